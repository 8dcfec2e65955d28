// SPDX-License-Identifier: Apache-2.0
/* forecast_data.c: the keys of data_config for forecasting, and reading the series by them. */
#include <string.h>

#include "learn/strategies/forecast.h"

static const char *const protocols[] = {"ratio", "lengths", "ett_hour", "ett_minute", NULL};
static const char *const scalings[] = {"standard", "none", NULL};
static const char *const missings[] = {"refuse", "previous", "linear", NULL};
static const char *const delimiters[] = {",", ";", "tab", "|", NULL};

#define AT(member) offsetof(ag_forecast_split, member)
static const ag_field split_fields[] = {
    {.name = "protocol",
     .type = AG_FIELD_CHOICE,
     .offset = AT(protocol),
     .fallback = "ratio",
     .choices = protocols,
     .doc = "Shares of the rows, lengths in rows, or the borders of the ETT series (12, 4 and 4 months)."},
    {.name = "train",
     .type = AG_FIELD_REAL,
     .offset = AT(train),
     .fallback = "0.7",
     .min = 0,
     .max = 1e12,
     .doc = "The training part, at the beginning."},
    {.name = "validation",
     .type = AG_FIELD_REAL,
     .offset = AT(validation),
     .fallback = "0.1",
     .min = 0,
     .max = 1e12,
     .doc = "The part behind it, which decides when to stop; 0: none."},
    {.name = "test",
     .type = AG_FIELD_REAL,
     .offset = AT(test),
     .fallback = "0.2",
     .min = 0,
     .max = 1e12,
     .doc = "The part behind that, which is only scored; as a length, 0 takes all that is left."},
};
static const ag_description split = {.name = "split",
                                     .doc = "Which rows are for what, in the order of time.",
                                     .size = sizeof(ag_forecast_split),
                                     .fields = split_fields,
                                     .count = sizeof split_fields / sizeof *split_fields};
#undef AT

#define AT(member) offsetof(ag_forecast_data, member)
static const ag_field fields[] = {
    {.name = "file",
     .type = AG_FIELD_TEXT,
     .offset = AT(file),
     .doc = "The series in the data directory: CSV whose first line names the columns, or NPY [rows, columns]; the "
            "only such file when absent."},
    {.name = "date_column",
     .type = AG_FIELD_TEXT,
     .offset = AT(date_column),
     .doc = "The column of dates; the first one, if it holds no numbers, when absent."},
    {.name = "columns",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_TEXT,
     .offset = AT(columns),
     .doc = "Columns to take, all of which are forecast; all when empty. Those of an array are c0, c1 ..."},
    {.name = "context_length",
     .type = AG_FIELD_INT,
     .offset = AT(context_length),
     .fallback = "336",
     .min = 1,
     .max = 1e6,
     .doc = "Rows that the model sees."},
    {.name = "horizon",
     .type = AG_FIELD_INT,
     .offset = AT(horizon),
     .fallback = "96",
     .min = 1,
     .max = 1e6,
     .alias = "prediction_length",
     .doc = "Rows that it forecasts."},
    {.name = "stride",
     .type = AG_FIELD_INT,
     .offset = AT(stride),
     .fallback = "1",
     .min = 1,
     .max = 1e6,
     .doc = "Rows from one training window to the next. Validation and test take every window."},
    {.name = "scaling",
     .type = AG_FIELD_CHOICE,
     .offset = AT(scaling),
     .fallback = "standard",
     .choices = scalings,
     .doc = "Every column to mean 0 and deviation 1 by the training part, or as it is."},
    {.name = "missing",
     .type = AG_FIELD_CHOICE,
     .offset = AT(missing),
     .fallback = "refuse",
     .choices = missings,
     .doc = "A missing number refuses the file, or is the one before it, or lies on a line between its neighbours."},
    {.name = "season",
     .type = AG_FIELD_INT,
     .offset = AT(season),
     .fallback = "0",
     .min = 0,
     .max = 1e6,
     .doc = "Rows of a season, for the baseline that repeats it; 0 takes a day, a week or a year by the dates."},
    {.name = "delimiter",
     .type = AG_FIELD_TEXT,
     .offset = AT(delimiter),
     .choices = delimiters,
     .doc = "Between the cells of a CSV; guessed when absent."},
    {.name = "decimal_comma",
     .type = AG_FIELD_BOOL,
     .offset = AT(decimal_comma),
     .fallback = "false",
     .doc = "Numbers are written as 1,5."},
    {.name = "split",
     .type = AG_FIELD_STRUCT,
     .inner = &split,
     .offset = AT(split),
     .doc = "Which rows are for what, in the order of time."},
};
#undef AT

const ag_description ag_forecast_data_description = {
    .name = "data_config",
    .doc = "A series to forecast (strategy forecast).",
    .size = sizeof(ag_forecast_data),
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
};

static ag_timeseries_options options_of(const ag_forecast_data *data)
{
    ag_timeseries_options options = {.date_column = data->date_column,
                                     .columns = data->columns.count ? data->columns.items : NULL,
                                     .column_count = data->columns.count,
                                     .missing = (ag_missing)data->missing,
                                     .decimal_comma = data->decimal_comma};
    if (data->delimiter) options.delimiter = strcmp(data->delimiter, "tab") == 0 ? '\t' : data->delimiter[0];
    return options;
}

int ag_forecast_read(const ag_forecast_data *data, const char *path, ag_arena *arena, ag_timeseries *out, ag_err *err)
{
    const ag_timeseries_options options = options_of(data);
    return ag_timeseries_read(path, &options, arena, out, err);
}

int ag_forecast_parse(const ag_forecast_data *data, const char *name, ag_str bytes, ag_arena *arena, ag_timeseries *out,
                      ag_err *err)
{
    const ag_timeseries_options options = options_of(data);
    return ag_timeseries_parse(bytes, name, &options, arena, out, err);
}
