// SPDX-License-Identifier: Apache-2.0
/* dates.c: dates of series as they come: ISO 8601 and its cousins (2020/01/31 5:00, 2020-01), day or month first
 * (31.01.2020, 1/31/2020 5:00), seconds or milliseconds since 1970. Where day and month cannot be told apart by one
 * date, all are followed in both orders: only the right one gives even distances. A year of two digits is not guessed.
 */
#include "learn/forecast/dates.h"

#include <string.h>

#include "core/sys/clock.h"

enum { DAY_FIRST = 1, MAX_DATE = 64 };
static const int64_t day = 24 * 3600 * AG_SECOND;

/* Digits at the beginning of the rest; how many. */
static size_t take_number(ag_str *rest, int *out)
{
    size_t count = 0;
    *out = 0;
    while (count < rest->size && count < 6 && rest->data[count] >= '0' && rest->data[count] <= '9')
        *out = *out * 10 + (rest->data[count++] - '0');
    *rest = ag_str_slice(*rest, count, SIZE_MAX);
    return count;
}

static char take_sign(ag_str *rest, const char *signs)
{
    char sign = rest->size ? rest->data[0] : '\0';
    if (!sign || !strchr(signs, sign)) return '\0';
    *rest = ag_str_slice(*rest, 1, SIZE_MAX);
    return sign;
}

/* Year, month and day, by where the year stands. */
static bool take_day(ag_str *rest, int order, int out[3])
{
    int part[3] = {0, 0, 1};
    size_t digits[3] = {0};
    digits[0] = take_number(rest, &part[0]);
    char sign = take_sign(rest, "-/.");
    if (!sign || digits[0] == 0) return false;
    digits[1] = take_number(rest, &part[1]);
    if (digits[1] == 0 || digits[1] > 2) return false;
    if (take_sign(rest, (const char[]){sign, '\0'})) digits[2] = take_number(rest, &part[2]);
    bool year_first = digits[0] == 4 && digits[2] <= 2;
    if (!year_first && (digits[0] > 2 || digits[2] != 4)) return false;
    bool day_first = !year_first && (sign != '/' || order == DAY_FIRST);
    out[0] = part[year_first ? 0 : 2];
    out[1] = part[day_first || year_first ? 1 : 0];
    out[2] = part[year_first ? 2 : day_first ? 0 : 1];
    return true;
}

static bool take_time(ag_str rest, int out[3])
{
    rest = ag_str_trim(rest);
    out[0] = out[1] = out[2] = 0;
    for (int i = 0; i < 3 && rest.size; i++) {
        if (take_number(&rest, &out[i]) == 0) return false;
        if (i < 2 && !take_sign(&rest, ":")) break;
    }
    rest = ag_str_trim(rest);
    bool late = ag_str_equal_nocase(rest, AG_STR("pm")), early = ag_str_equal_nocase(rest, AG_STR("am"));
    if ((late || early) && out[0] == 12) out[0] = 0;
    if (late) out[0] += 12;
    return late || early || rest.size == 0;
}

static bool read_written(ag_str text, int order, int64_t *out)
{
    char iso[MAX_DATE];
    int date[3], time[3];
    if (!take_day(&text, order, date)) return false;
    if (text.size && text.data[0] == 'T') text = ag_str_slice(text, 1, SIZE_MAX);
    if (!take_time(text, time)) return false;
    ag_format(iso, sizeof iso, "%04d-%02d-%02dT%02d:%02d:%02dZ", date[0], date[1], date[2], time[0], time[1], time[2]);
    return ag_instant_parse(ag_str_of(iso), out, NULL) >= 0;
}

static bool read_date(ag_str text, int order, int64_t *out)
{
    double seconds;
    if (ag_instant_parse(text, out, NULL) >= 0) return true;
    if (!ag_str_to_double(text, &seconds)) return read_written(text, order, out);
    if (!(seconds >= 1e8 && seconds < 1e14)) return false;
    if (seconds >= 1e11) seconds /= 1000;
    *out = (int64_t)(seconds * (double)AG_SECOND);
    return true;
}

bool ag_date_read(ag_str text, int order, int64_t *out)
{
    return read_date(ag_str_trim(text), order, out);
}

bool ag_date_like(ag_str text)
{
    int64_t instant;
    double number;
    text = ag_str_trim(text);
    return !ag_str_to_double(text, &number) && (read_date(text, 0, &instant) || read_date(text, DAY_FIRST, &instant));
}

static bool is_month(int64_t step)
{
    return step >= 28 * day && step <= 31 * day;
}

void ag_dates_add(ag_dates *dates, ag_str text)
{
    text = ag_str_trim(text);
    for (int order = 0; order < AG_DATE_ORDERS; order++) {
        int64_t instant, step;
        if (dates->orders[order].useless) continue;
        if (!read_date(text, order, &instant)) {
            dates->orders[order].useless = true;
            continue;
        }
        step = instant - dates->orders[order].last;
        if (dates->rows == 1) {
            dates->orders[order].step = step;
            dates->orders[order].months = is_month(step);
        }
        dates->orders[order].months &= dates->rows < 1 || is_month(step);
        if (dates->rows > 0 && (step <= 0 || (step != dates->orders[order].step && !dates->orders[order].months)))
            dates->orders[order].useless = true;
        dates->orders[order].last = instant;
    }
    dates->rows++;
}

int64_t ag_dates_interval(const ag_dates *dates)
{
    int64_t months = 0;
    if (dates->rows < 2) return 0;
    for (int order = 0; order < AG_DATE_ORDERS; order++) {
        if (dates->orders[order].useless) continue;
        if (!dates->orders[order].months) return dates->orders[order].step;
        months = 30 * day; /* unless the other order makes days of them */
    }
    return months;
}

/* ---- going on ---- */

static int days_of(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Whether the times are a month apart each, on the same day; *at_end: on the last one. */
static bool are_months(const int64_t *times, int64_t count, bool *at_end)
{
    ag_date first = ag_date_utc(times[0]);
    bool same = true;
    *at_end = true;
    for (int64_t i = 0; i < count; i++) {
        ag_date now = ag_date_utc(times[i]);
        if (i > 0 && !is_month(times[i] - times[i - 1])) return false;
        same = same && now.day == first.day;
        *at_end = *at_end && now.day == days_of(now.year, now.month);
    }
    return same || *at_end;
}

bool ag_dates_go_on(const int64_t *times, int64_t count, int64_t steps, int64_t *out)
{
    enum { MONTHS = 12, MOST_STEPS = 10000000 };
    bool at_end = false;
    int64_t step = times[1] - times[0], last = times[count - 1];
    if (steps > MOST_STEPS) return false;
    if (are_months(times, count, &at_end)) {
        ag_date date = ag_date_utc(last);
        int64_t months = (int64_t)date.year * MONTHS + date.month - 1 + steps;
        if (months / MONTHS > 9999) return false;
        date.year = (int32_t)(months / MONTHS);
        date.month = (int8_t)(months % MONTHS + 1);
        int most = days_of(date.year, date.month);
        if (at_end || date.day > most) date.day = (int8_t)most;
        return *out = ag_date_instant(&date), true;
    }
    for (int64_t i = 2; i < count; i++)
        if (times[i] - times[i - 1] != step) return false;
    if (step <= 0 || step > (INT64_MAX - (last > 0 ? last : 0)) / steps) return false;
    *out = last + steps * step;
    return true;
}
