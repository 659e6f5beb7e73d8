/* The module's own heap (wasm/heap.c): what cannot be had is NULL, and nothing else suffers. Natively
 * there is nothing to test: the daemon has the system's. */
#include "unit.h"

#ifdef __wasm__
#include "../../wasm/heap.c"

/* Beyond the compiler's sight, which may take malloc and its like for what it knows. */
static void *volatile got;

static bool none(size_t n) {
    got = malloc(n);
    return got == NULL;
}

static void test_too_large(void) {
    static const size_t sizes[] = {(32u << 20) + 1, 200u << 20,    234881025u,    235000000u,
                                   240u << 20,      1u << 30,      2147483647u,   2147483648u,
                                   SIZE_MAX - PAGE, SIZE_MAX - 16, SIZE_MAX - 1u, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!CHECK(none(sizes[i])))
            printf("  given: %zu\n", sizes[i]);
}

/* Every class up to the largest, twice: what is freed serves again, and no two blocks overlap. */
static void test_classes(void) {
    for (unsigned class = 0; class < CLASSES; class ++)
        CHECK(size_of(class_of(size_of(class))) == size_of(class));
    CHECK(size_of(CLASSES - 1) == BLOCK_MAX);
    for (size_t n = 1; n <= BLOCK_MAX; n *= 2) {
        unsigned char *a = malloc(n), *b = malloc(n);
        CHECK(a != NULL && b != NULL && (a + n <= b || b + n <= a));
        free(a);
        got = malloc(n);
        CHECK(got == a);
        free(a);
        free(b);
    }
}
#endif

int main(void) {
#ifdef __wasm__
    RUN(test_too_large);
    RUN(test_classes);
#endif
    return unit_end();
}
