/*
 * GW_ASSERT: a bug stops the program where it is (a trap: in wasm the host makes a new instance).
 */
#ifndef GW_BASE_CHECK_H
#define GW_BASE_CHECK_H

#define GW_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

#endif
