/* page.c: the page: its style and script around the data. A browser is told to let it fetch
 * nothing, whatever stands in the data.
 */
#include "sinks/html/html.h"

#include "html_page.h"

static void data(struct html *h)
{
    struct html_chosen c;
    html_put(h, "<script type=\"application/json\" id=\"data\">{");
    html_write_overview(h);
    if (html_choose(h, &c)) {
        html_write_marks(h, &c);
        html_write_functions(h, &c);
        html_write_counted(h, &c);
        html_write_stacks(h, &c);
        html_write_processes(h, &c);
        html_write_messages(h, &c);
        html_write_servers(h, &c);
    }
    html_chosen_free(&c);
    html_put(h, "}</script>\n");
}

void html_page(struct html *h)
{
    html_put(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<title>beamtap</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n");
    tap_writer_put(&h->w, html_page_css, sizeof html_page_css);
    html_put(h, "</style>\n</head>\n<body>\n<noscript>This page shows a trace, and needs "
                "JavaScript to do it; it fetches nothing.</noscript>\n");
    data(h);
    html_put(h, "<script>\n");
    tap_writer_put(&h->w, html_page_js, sizeof html_page_js);
    html_put(h, "</script>\n</body>\n</html>\n");
}
