/* digits.h: numbers as text, two digits at a time. */
#ifndef TAP_SYNTAX_DIGITS_H
#define TAP_SYNTAX_DIGITS_H

#include <string.h>

/* 00 01 02 ... 99 */
static const char tap_digit_pairs[201] =
    "000102030405060708091011121314151617181920212223242526272829303132333435363738394041424344"
    "454647484950515253545556575859606162636465666768697071727374757677787980818283848586878889"
    "90919293949596979899";

/* Writes the pair of a number below 100. */
static inline void tap_digit_pair(char *p, unsigned v)
{
    memcpy(p, tap_digit_pairs + 2 * v, 2);
}

#endif
