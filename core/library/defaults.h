/* defaults.h: the plugins that are meant where no section names one. The rest of the core knows no
 * plugin's name: the command and the library hand these on. */
#ifndef TAP_LIBRARY_DEFAULTS_H
#define TAP_LIBRARY_DEFAULTS_H

struct tap_defaults {
    const char *transport;  /* the section that is added when a configuration has no transport */
    const char *recording;  /* the section of the transport that plays a recorded file */
    const char *modules;    /* SECTION.KEY of what tap_trace_options.modules says */
    const char *pids;       /* likewise */
    const char *match_spec; /* likewise, a line each */
    const char *time;       /* the section of the filter of a stretch of time */
    const char *nodes;      /* SECTION.KEY of the filter of nodes */
    const char *summary;    /* the sink that says who was busy */
    const char *text;       /* the sink that writes lines for people */
    const char *screen;     /* the sink that has the terminal for itself */
};
extern const struct tap_defaults tap_defaults;

#endif
