#include "core/policy/models.h"

enum { LONGEST = 64, HOLDS = 3, NEAR_MOST = 4 };

/* How many letters have to be put in, left out or changed (Levenshtein); of long names their beginning
 * counts. */
static uint32_t distance(struct gw_str a, struct gw_str b) {
    uint8_t row[LONGEST + 1];
    a = gw_str_sub(a, 0, LONGEST);
    b = gw_str_sub(b, 0, LONGEST);
    for (size_t k = 0; k <= b.n; k++)
        row[k] = (uint8_t)k;
    for (size_t i = 0; i < a.n; i++) {
        uint8_t corner = row[0];
        row[0] = (uint8_t)(i + 1);
        for (size_t k = 0; k < b.n; k++) {
            uint8_t changed = (uint8_t)(corner + (gw_lower(a.p[i]) != gw_lower(b.p[k])));
            corner = row[k + 1];
            uint8_t least = row[k] < corner ? row[k] : corner;
            row[k + 1] = changed <= least ? changed : (uint8_t)(least + 1);
        }
    }
    return row[b.n];
}

/* The smaller, the nearer; above NEAR_MOST it is not near. */
static uint32_t how_far(struct gw_str name, struct gw_str known) {
    bool holds = name.n >= HOLDS && (gw_str_find(known, name) >= 0 ||
                                     (known.n >= HOLDS && gw_str_find(name, known) >= 0));
    uint32_t most = (uint32_t)(name.n / 3);
    if (most > NEAR_MOST)
        most = NEAR_MOST;
    size_t apart = name.n > known.n ? name.n - known.n : known.n - name.n;
    uint32_t letters = apart <= most ? distance(name, known) : UINT32_MAX;
    if (letters <= most)
        return letters;
    return holds ? NEAR_MOST : NEAR_MOST + 1;
}

struct list {
    struct gw_str *out;
    uint32_t far[8], n, max;
};

static void offer(struct list *l, struct gw_str name, struct gw_str known) {
    uint32_t far = how_far(name, known), i;
    if (known.n == 0 || far > NEAR_MOST)
        return;
    for (i = 0; i < l->n; i++)
        if (gw_str_eq(l->out[i], known))
            return;
    if (l->n < l->max)
        l->n++;
    else if (far >= l->far[l->n - 1])
        return;
    for (i = l->n - 1; i > 0 && l->far[i - 1] > far; i--) {
        l->far[i] = l->far[i - 1];
        l->out[i] = l->out[i - 1];
    }
    l->far[i] = far;
    l->out[i] = known;
}

uint32_t models_near(const struct config *conf, struct gw_str name, struct gw_str *out,
                     uint32_t max) {
    static const struct gw_str classes[GW_CLASSES] = {
        GW_STR_INIT("heavy/reasoning"), GW_STR_INIT("heavy/code"), GW_STR_INIT("heavy/vision"),
        GW_STR_INIT("heavy/batch")};
    struct list l = {.out = out, .max = max < 8 ? max : 8};
    for (uint32_t i = 0; i < conf->models_n; i++) {
        const struct model_conf *m = &conf->models[i];
        bool there = m->places[0].heavy || conf->providers[m->places[0].index].backend.set;
        offer(&l, name, there ? m->name : GW_STR(""));
        if (!m->alias && !m->places[0].heavy)
            offer(&l, name, there ? m->places[0].model : GW_STR(""));
    }
    for (uint32_t i = 0; i < GW_CLASSES; i++)
        offer(&l, name, classes[i]);
    return l.n;
}

static int digit_of(char ch) {
    char low = gw_lower(ch);
    return ch >= '0' && ch <= '9' ? ch - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

struct gw_str models_unescape(struct gw_str raw, struct gw_arena *arena) {
    struct gw_buf b;
    if (gw_str_chr(raw, '%') < 0)
        return raw;
    gw_buf_init(&b, arena, raw.n);
    for (size_t i = 0; i < raw.n; i++) {
        int high = i + 2 < raw.n ? digit_of(raw.p[i + 1]) : -1;
        int low = i + 2 < raw.n ? digit_of(raw.p[i + 2]) : -1;
        bool escape = raw.p[i] == '%' && high >= 0 && low >= 0;
        gw_buf_putc(&b, escape ? (char)(high * 16 + low) : raw.p[i]);
        i += escape ? 2 : 0;
    }
    return gw_buf_str(&b);
}
