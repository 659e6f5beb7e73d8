/* Configurations for unit tests. */
#ifndef TESTS_UNIT_CONFIGS_H
#define TESTS_UNIT_CONFIGS_H

#include "core/config/config.h"

#include "unit.h"

static struct unit_mem mem;
static char why_text[1024];

/* The configuration of `env` (NUL-separated) and `file`, or NULL and why_text. */
static struct config *make(struct gw_str env, const char *file) {
    struct gw_arena arena;
    struct gw_buf why;
    const struct gw_source source = {GW_RACK, env, {file, strlen(file)}};
    gw_arena_init(&arena, &mem.mem, 1024, 8192);
    gw_buf_init(&why, &arena, sizeof why_text - 1);
    struct config *conf = config_new(&mem.mem, &source, &why);
    if (why.n > 0)
        memcpy(why_text, why.p, why.n);
    why_text[why.n] = '\0';
    gw_arena_del(&arena);
    return conf;
}

static void expect_refused(struct gw_str env, const char *file, const char *why) {
    struct config *conf = make(env, file);
    if (!CHECK(conf == NULL && strstr(why_text, why) != NULL))
        printf("  %s\n  gave: %s\n  not: %s\n", file, why_text, why);
    if (conf != NULL)
        config_unref(conf);
}

#endif
