// SPDX-License-Identifier: Apache-2.0
/* html.c: the shell of a report. A section begins by ending the one before, and ag_html_begin() opens a first one
 * without a heading, so that nothing has to remember what is open. The policy in the head forbids scripts and all
 * loading, should escaping ever fail. */
#include "core/show/html.h"

#include <string.h>

#include "core/show/text.h"

static const char sheet[] =
    ":root{color-scheme:light dark;--fg:#1f2933;--dim:#616e7c;--bg:#fff;--line:#e4e7eb;--soft:#f5f7fa;--good:#0b7a4b;"
    "--warn:#9a5b00;--bad:#b42318;--mark:#0072b2}\n"
    "@media(prefers-color-scheme:dark){:root{--fg:#e6ebf0;--dim:#a3b1bf;--bg:#161b22;--line:#2a323c;--soft:#1e252e;"
    "--good:#2fd1a0;--warn:#f0c040;--bad:#ff8a80;--mark:#4fb0e8}}\n"
    "body{margin:0 auto;max-width:1180px;padding:28px 20px 60px;background:var(--bg);color:var(--fg);"
    "font:15px/1.5 system-ui,\"Segoe UI\",\"DejaVu Sans\",sans-serif}\n"
    "h1{font-size:26px;margin:0}h2{font-size:19px;margin:36px 0 10px;padding-top:14px;border-top:1px solid var(--line)}"
    "p{max-width:72ch}.sub,.dim,figcaption{color:var(--dim)}.sub{margin:4px 0 0}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0}.facts div{background:var(--soft);border-radius:8px;"
    "padding:10px 16px;min-width:110px}.facts b{display:block;font-size:22px;line-height:1.3}"
    ".facts span{color:var(--dim);font-size:13px}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;margin:10px 0;font-variant-numeric:tabular-nums}"
    "th,td{text-align:left;padding:5px 14px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}"
    "th{color:var(--dim);font-weight:600}.r{text-align:right}.c{text-align:center}.strong{font-weight:600}"
    ".good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}\n"
    "figure{display:inline-block;margin:8px 16px 8px 0;max-width:100%;vertical-align:top}"
    "figure svg.ag-plot{max-width:100%;height:auto}figcaption{font-size:13px;max-width:72ch}\n"
    "pre{background:var(--soft);border-radius:8px;padding:12px 16px;overflow-x:auto;font-size:13px}"
    ".note{border-left:4px solid var(--mark);background:var(--soft);border-radius:4px;padding:8px 16px;margin:12px 0;"
    "color:var(--fg)}.note.good{border-color:var(--good)}.note.warn{border-color:var(--warn)}"
    ".note.bad{border-color:var(--bad)}\n"
    "@media print{body{padding:0}figure,tr,.note{break-inside:avoid}}\n";

static const char *class_of(ag_style style)
{
    static const char *const names[] = {"", "strong", "dim", "good", "warn", "bad"};
    return names[style];
}

/* <tag class="...">text</tag> and a line end. */
static void add_element(ag_buf *out, const char *tag, const char *class_name, const char *text)
{
    ag_buf_addf(out, "<%s", tag);
    if (class_name && *class_name) ag_buf_addf(out, " class=\"%s\"", class_name);
    ag_buf_add_char(out, '>');
    ag_show_escape(out, ag_str_of(text));
    ag_buf_addf(out, "</%s>\n", tag);
}

void ag_html_begin(ag_buf *out, const char *title, const char *subtitle)
{
    ag_buf_add_text(out,
                    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                    "'unsafe-inline'\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    add_element(out, "title", NULL, title);
    ag_buf_addf(out, "<style>\n%s</style></head><body>\n<header>", sheet);
    add_element(out, "h1", NULL, title);
    if (subtitle) add_element(out, "p", "sub", subtitle);
    ag_buf_add_text(out, "</header>\n<section>\n");
}

int ag_html_end(ag_buf *out, ag_err *err)
{
    ag_buf_add_text(out, "</section>\n</body></html>\n");
    return ag_buf_check(out, "a report", err);
}

void ag_html_section(ag_buf *out, const char *title)
{
    ag_buf_add_text(out, "</section>\n<section>\n");
    add_element(out, "h2", NULL, title);
}

void ag_html_text(ag_buf *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t size = end ? (size_t)(end - text) : strlen(text);
        ag_buf_add_text(out, "<p>");
        ag_show_escape(out, (ag_str){text, size});
        ag_buf_add_text(out, "</p>\n");
        text += size;
        while (*text == '\n') text++;
    }
}

void ag_html_code(ag_buf *out, const char *text)
{
    add_element(out, "pre", NULL, text);
}

void ag_html_note(ag_buf *out, ag_style style, const char *text)
{
    ag_buf_addf(out, "<div class=\"note %s\">", class_of(style));
    ag_show_escape(out, ag_str_of(text));
    ag_buf_add_text(out, "</div>\n");
}

void ag_html_facts_begin(ag_buf *out)
{
    ag_buf_add_text(out, "<div class=\"facts\">\n");
}

void ag_html_fact(ag_buf *out, const char *name, const char *value, ag_style style)
{
    ag_buf_addf(out, "<div><b class=\"%s\">", class_of(style));
    ag_show_escape(out, ag_str_of(value));
    ag_buf_add_text(out, "</b><span>");
    ag_show_escape(out, ag_str_of(name));
    ag_buf_add_text(out, "</span></div>\n");
}

void ag_html_facts_end(ag_buf *out)
{
    ag_buf_add_text(out, "</div>\n");
}

int ag_html_table(ag_buf *out, const ag_table *table, ag_err *err)
{
    ag_buf_add_text(out, "<div class=\"scroll\">");
    int rc = ag_table_write(table, AG_TABLE_HTML, 0, false, out, err);
    ag_buf_add_text(out, "</div>\n");
    return rc;
}

void ag_html_figure(ag_buf *out, ag_str svg, const char *caption)
{
    ag_buf_add_text(out, "<figure>");
    ag_buf_add_str(out, svg);
    if (caption) add_element(out, "figcaption", NULL, caption);
    ag_buf_add_text(out, "</figure>\n");
}
