/* The one that is right.
 * told: nothing is wrong
 */
#include "right.h"

SINK(.destroy = right_destroy)
