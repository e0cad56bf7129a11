/* one_line.h: a message for people, which may quote what somebody else wrote: a node, a file, a
 * plugin. */
#ifndef TAP_BASE_ONE_LINE_H
#define TAP_BASE_ONE_LINE_H

/* Makes it one line of UTF-8 that moves no terminal, in place: a space for a line end or a tab, a
 * question mark for each byte of any other control character and for each that is no UTF-8. */
void tap_one_line(char *text);

#endif
