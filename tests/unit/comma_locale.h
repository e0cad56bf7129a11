/* comma_locale.h: a program whose locale writes 1,5 for 1.5 and takes I and i for two letters
 * (Turkish). It is compiled into a folder of its own, since a machine seldom has it. */
#ifndef COMMA_LOCALE_H
#define COMMA_LOCALE_H

#include <locale.h>

#include "unit.h"

static inline void comma_locale(void)
{
    char folder[] = "/tmp/beamtap-locale-XXXXXX", command[160], one[8];
    CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
    snprintf(command, sizeof command, "localedef -i tr_TR -f ISO-8859-9 %s/tr_TR >/dev/null 2>&1",
             folder);
    if (system(command) != 0)
        printf("# localedef cannot make tr_TR: is Debian's package locales installed?\n");
    setenv("LOCPATH", folder, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(setlocale(LC_ALL, "tr_TR"));
    snprintf(command, sizeof command, "rm -r %s", folder);
    CU_ASSERT_EQUAL(system(command), 0);
    snprintf(one, sizeof one, "%.1f", 1.5);
    CU_ASSERT_STRING_EQUAL_FATAL(one, "1,5");
}

#endif
