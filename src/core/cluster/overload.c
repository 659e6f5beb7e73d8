#include "core/cluster/overload.h"

#include "base/tally.h"

enum {
    BUSY_LEAST_MS = 100,
    BUSY_FIRST_MS = 1000,
    BUSY_LAST_MS = 30000,
    OPEN_FIRST_MS = 5000,
    LONGEST_MS = 20000, /* a model has no twin: it is tried again soon */
    RUNS_MOST = 16
};

uint64_t overload_of(uint32_t slot, struct gw_str model) {
    struct tally tally = {0};
    tally_add(&tally, (const char *)&slot, sizeof slot);
    tally_add(&tally, model.p, model.n);
    uint64_t of = tally_hash(&tally);
    return of != 0 ? of : 1;
}

static const struct overload_model *find(const struct overload *o, uint64_t of) {
    for (uint32_t i = 0; of != 0 && i < o->n; i++)
        if (o->model[i].of == of)
            return &o->model[i];
    return NULL;
}

/* Its place; made if it has none. */
static struct overload_model *place(struct overload *o, uint64_t of, double now) {
    struct overload_model *oldest = &o->model[0];
    for (uint32_t i = 0; i < o->n; i++) {
        if (o->model[i].of == of)
            oldest = &o->model[i];
        if (oldest->of == of)
            break;
        if (o->model[i].touched_at < oldest->touched_at)
            oldest = &o->model[i];
    }
    if (oldest->of != of && o->n < OVERLOAD_MODELS)
        oldest = &o->model[o->n++];
    if (oldest->of != of)
        *oldest = (struct overload_model){.of = of};
    oldest->touched_at = now;
    return oldest;
}

/* first, 2 x first, 4 x first, ... at most last. */
static double doubling(uint32_t *runs, double first, double last) {
    double ms = first;
    for (uint32_t i = 0; i < *runs && ms < last; i++)
        ms *= 2;
    *runs += *runs < RUNS_MOST;
    return ms < last ? ms : last;
}

double overload_until(const struct overload *o, uint64_t of, uint32_t key, double now) {
    const struct overload_model *m = find(o, of);
    if (m == NULL)
        return 0;
    double until = m->rests_until[key] > m->open_until ? m->rests_until[key] : m->open_until;
    return until > now ? until : 0;
}

void overload_take(struct overload *o, uint64_t of, double now) {
    struct overload_model *m = (struct overload_model *)find(o, of);
    if (m == NULL || m->opens == 0)
        return;
    m->open_until = now + OVERLOAD_TRIAL_MS;
    m->trial = true;
}

void overload_busy(struct overload *o, uint64_t of, uint32_t key, double retry_after_ms,
                   double now) {
    struct overload_model *m = place(o, of, now);
    if (retry_after_ms < 0 && m->rests_until[key] > now)
        return; /* requests that were under way together are one sign of load */
    if (retry_after_ms >= 0 && retry_after_ms < BUSY_LEAST_MS)
        retry_after_ms = BUSY_LEAST_MS; /* "Retry-After: 0": somebody else first */
    m->rests_until[key] =
        now + (retry_after_ms >= 0 ? retry_after_ms
                                   : doubling(&m->busy_runs, BUSY_FIRST_MS, BUSY_LAST_MS));
    m->open_until = 0; /* it is alive */
    m->trial = false;
}

void overload_failed(struct overload *o, uint64_t of, const struct breaker_conf *conf, double now) {
    struct overload_model *m = place(o, of, now);
    double longest = (double)conf->recovery_ms;
    if (longest > LONGEST_MS)
        longest = LONGEST_MS;
    m->failures++;
    /* Those that were under way when it opened say nothing new. */
    bool late = m->opens > 0 && !m->trial && m->open_until > now;
    if (late || (m->opens == 0 && m->failures < conf->threshold))
        return;
    m->trial = false;
    m->open_until = now + doubling(&m->opens, OPEN_FIRST_MS, longest);
}

bool overload_is_open(const struct overload *o, uint64_t of, double now) {
    const struct overload_model *m = find(o, of);
    return m != NULL && m->open_until > now;
}

void overload_served(struct overload *o, uint64_t of, uint32_t key) {
    struct overload_model *m = (struct overload_model *)find(o, of);
    if (m == NULL)
        return;
    m->rests_until[key] = m->open_until = 0;
    m->busy_runs = m->failures = m->opens = 0;
    m->trial = false;
}
