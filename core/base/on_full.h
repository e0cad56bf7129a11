/* on_full.h: what a sink's queue does when it is full: read by config/, done by bus/. */
#ifndef TAP_BASE_ON_FULL_H
#define TAP_BASE_ON_FULL_H

/* In the order of the choices of the option on_full. BLOCK withholds credit from the nodes. */
enum tap_on_full { TAP_DROP_NEWEST, TAP_DROP_OLDEST, TAP_BLOCK };

#endif
