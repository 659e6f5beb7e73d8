#include "native/process/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native/loop/log.h"
#include "native/loop/loop.h"
#include "native/process/hub.h"
#include "native/store/store.h"
#include "native/store/whats.h"

/* ------------------------------------------------------------------ the table */

static bool starts(const struct state_line *line, struct gw_str what) {
    return gw_str_starts(gw_str(line->text, line->n), what);
}

static struct state_line *find(struct state *s, struct gw_str key) {
    for (uint32_t i = 0; i < s->lines_n; i++)
        if (gw_str_eq(gw_str(s->line[i].text, s->line[i].key_n), key))
            return &s->line[i];
    if (s->lines_n == FRAMES_LINES)
        return NULL;
    s->line[s->lines_n] = (struct state_line){.n = 0};
    return &s->line[s->lines_n++];
}

/* Kept if it is newer than what is known. Whether it was. */
static bool keep_line(struct state *s, struct gw_str text) {
    struct gw_str key;
    uint64_t at;
    if (!frames_parse(text, &key, &at))
        return false;
    struct state_line *line = find(s, key);
    if (line == NULL || (line->n > 0 && line->at >= at))
        return false;
    memcpy(line->text, text.p, text.n);
    line->text[text.n] = '\n';
    line->n = text.n + 1;
    line->key_n = key.n;
    line->at = at;
    line->sequence = ++s->sequence;
    return true;
}

static bool keep(struct state *s, struct gw_str frames) {
    bool news = false;
    pthread_mutex_lock(&s->lock);
    while (frames.n > 0) {
        struct gw_str line = gw_str_cut(&frames, '\n');
        news |= keep_line(s, line);
    }
    pthread_mutex_unlock(&s->lock);
    return news;
}

/* Lines that came after `since`, of one kind ("": of all); the new `since`. */
static uint64_t copy(struct state *s, uint64_t since, struct gw_str kind, char *out, size_t *n) {
    *n = 0;
    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < s->lines_n; i++) {
        const struct state_line *line = &s->line[i];
        if (line->sequence <= since || !starts(line, kind))
            continue;
        memcpy(out + *n, line->text, line->n);
        *n += line->n;
    }
    since = s->sequence;
    pthread_mutex_unlock(&s->lock);
    return since;
}

/* ------------------------------------------------------------------ writing */

static void save(struct hub *hub);

static void save_again(struct timer *timer) {
    save(((struct loop *)timer->uv.loop->data)->hub);
}

static void complain(struct hub *hub, struct gw_str why) {
    struct state *s = &hub->state;
    s->put = 0; /* whatever is there by then */
    timer_set(&s->again, loop_mono_ms() + STATE_AGAIN_MS);
    if (s->complained)
        return;
    s->complained = true;
    log_note(hub->log, "error",
             "%s/heady.db cannot be written: %.*s; a restart will not know what is broken. Check "
             "HEADY_DATA_DIR",
             s->dir, (int)why.n, why.p);
}

static void drop_old_file(struct loop *loop) {
    (void)store_ask(loop, &(struct store_ask){.what = WHATS_DROP_STATE});
}

static void saved(struct loop *loop, uint64_t id, enum store_status status, struct gw_str why) {
    struct state *s = &loop->hub->state;
    (void)id;
    s->putting = false;
    if (status != STORE_DONE) {
        complain(loop->hub, status == STORE_LATE ? GW_STR("it takes too long") : why);
        return;
    }
    s->put = s->under_way;
    if (s->complained)
        log_note(loop->hub->log, "info", "%s/heady.db is written again", s->dir);
    s->complained = false;
    if (!s->has_put)
        drop_old_file(loop);
    s->has_put = true;
    save(loop->hub);
}

/* Puts what is not there yet, one put at a time; the first one even if there is nothing, so that a directory
 * that cannot be written is known at once. */
static void save(struct hub *hub) {
    static char text[FRAMES_MAX]; /* the first loop's alone */
    struct state *s = &hub->state;
    struct store_ask ask = {
        .what = WHATS_PUT_FRAMES, .deadline_ms = loop_mono_ms() + STATE_PUT_MS, .answered = saved};
    size_t n;
    if (!s->puts || s->putting)
        return;
    s->under_way = copy(s, s->put, GW_STR(""), text, &n);
    if (n == 0 && s->has_put)
        return;
    ask.bytes = gw_str(text, n);
    s->putting = store_ask(hub->loops[0], &ask);
    if (!s->putting)
        complain(hub, GW_STR("too much waits for the disk"));
}

/* ------------------------------------------------------------------ reading */

/* Before anything is served all loops are told here; later the others hear of leases as of any. */
static void take(struct hub *hub, struct gw_str text) {
    struct state *s = &hub->state;
    uint32_t loops = s->serving ? 1 : hub->peers.n;
    for (uint32_t i = 0; i < loops; i++) {
        struct gw_str news;
        gw_sync(hub->loops[i]->gw, GW_FRAMES_ALL, text, loop_time(hub->loops[i]), &news);
    }
    /* what the core has made of it: a line that it has not believed as it stood would stay for good */
    bool news = keep(s, gw_show(hub->loops[0]->gw, GW_SHOW_STATE, loop_time(hub->loops[0])));
    for (uint32_t i = 0; i < loops && !s->serving; i++)
        hub->loops[i]->state_seen = s->sequence;
    if (s->serving && news)
        hub_order(hub, HUB_STATE);
}

static void was_read(struct loop *loop, uint64_t id, enum store_status status, struct gw_str bytes);

static void ask_for_all(struct hub *hub, double deadline_ms) {
    struct store_ask ask = {
        .what = WHATS_GET_FRAMES, .deadline_ms = deadline_ms, .answered = was_read};
    hub->state.reading = store_ask(hub->loops[0], &ask) && deadline_ms > 0;
}

static void was_read(struct loop *loop, uint64_t id, enum store_status status,
                     struct gw_str bytes) {
    struct state *s = &loop->hub->state;
    (void)id;
    s->reading = false;
    if (status == STORE_DONE) {
        take(loop->hub, bytes);
    } else if (status == STORE_LATE) {
        log_note(loop->hub->log, "warn",
                 "%s/heady.db is not read after %d s: what it says is taken when it comes", s->dir,
                 STATE_READ_MS / 1000);
        ask_for_all(loop->hub, 0);
    } else if (status == STORE_NEWER && !s->serving) {
        s->newer = true;
        (void)fprintf(
            stderr,
            "heady-gateway: %s/heady.db: %.*s. Start that release; or move the file away, "
            "and what it knows of the nodes is learnt anew\n",
            s->dir, (int)bytes.n, bytes.p);
    } else {
        log_note(loop->hub->log, "warn", "%s/heady.db cannot be read: %.*s; it is left out", s->dir,
                 (int)bytes.n, bytes.p);
    }
}

/* ------------------------------------------------------------------ the process */

static bool open_store(struct hub *hub) {
    hub->store = store_new(hub->state.dir, !hub->state.puts, whats_table, WHATS_N, hub->log);
    for (uint32_t i = 0; i < hub->peers.n && hub->store != NULL; i++)
        if (!store_join(hub->store, hub->loops[i]))
            return false;
    return hub->store != NULL;
}

int state_init(struct hub *hub, bool puts) {
    const char *dir = getenv("HEADY_DATA_DIR");
    struct state *s = &hub->state;
    struct loop *first = hub->loops[0];
    if (dir == NULL || dir[0] == '\0')
        return EXIT_GOOD;
    s->dir = dir;
    s->puts = puts;
    timer_init(&s->again, &first->uv, save_again);
    if (!open_store(hub)) {
        (void)fprintf(stderr, "heady-gateway: not enough memory to start\n");
        return EXIT_RUNTIME;
    }
    uv_update_time(&first->uv);
    ask_for_all(hub, loop_mono_ms() + STATE_READ_MS);
    while (s->reading)
        (void)uv_run(&first->uv, UV_RUN_ONCE);
    s->serving = true;
    if (s->newer)
        return EXIT_USAGE;
    save(hub);
    return EXIT_GOOD;
}

/* What the loops have learnt last; and then nobody waits any more. */
void state_end(struct hub *hub) {
    static char text[FRAMES_MAX];
    struct state *s = &hub->state;
    struct store_ask ask = {.what = WHATS_PUT_FRAMES};
    size_t n;
    if (hub->store == NULL)
        return;
    if (s->puts && s->serving && !s->newer) {
        (void)copy(s, s->put, GW_STR(""), text, &n);
        ask.bytes = gw_str(text, n);
        if (n > 0)
            (void)store_ask(hub->loops[0], &ask);
    }
    for (uint32_t i = 0; i < hub->peers.n; i++)
        store_leave(hub->loops[i]);
    (void)store_stop(hub->store);
}

bool state_del(struct hub *hub) {
    return hub->store == NULL || store_del(hub->store);
}

void state_news(struct loop *loop) {
    struct gw_str news;
    gw_sync(loop->gw, 0, gw_str(NULL, 0), loop_time(loop), &news);
    if (keep(&loop->hub->state, news))
        hub_order(loop->hub, HUB_STATE);
}

void state_take(struct loop *loop) {
    char text[FRAMES_MAX];
    struct gw_str news;
    size_t n;
    loop->state_seen = copy(&loop->hub->state, loop->state_seen, GW_STR("lease "), text, &n);
    gw_sync(loop->gw, GW_FRAMES_LEASES, gw_str(text, n), loop_time(loop), &news);
    if (keep(&loop->hub->state, news))
        hub_order(loop->hub, HUB_STATE);
    if (loop == loop->hub->loops[0])
        save(loop->hub);
}
