#include "native/process/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "native/loop/log.h"
#include "native/loop/loop.h"
#include "native/process/hub.h"
#include "native/process/source.h"

enum { TABLE_MAX = STATE_LINES * STATE_LINE_MAX };

/* ------------------------------------------------------------------ the table */

static bool starts(const struct state_line *line, struct gw_str what) {
    return gw_str_starts(gw_str(line->text, line->n), what);
}

static struct state_line *find(struct state *s, struct gw_str key) {
    for (uint32_t i = 0; i < s->lines_n; i++)
        if (gw_str_eq(gw_str(s->line[i].text, s->line[i].key_n), key))
            return &s->line[i];
    if (s->lines_n == STATE_LINES)
        return NULL;
    s->line[s->lines_n] = (struct state_line){.n = 0};
    return &s->line[s->lines_n++];
}

/* "KIND NAME AT ...": kept if it is newer than what is known. Whether it was. */
static bool keep_line(struct state *s, struct gw_str text) {
    struct gw_str rest = text, kind = gw_str_cut(&rest, ' '), name = gw_str_cut(&rest, ' ');
    struct gw_str key = gw_str(text.p, kind.n + 1 + name.n);
    uint64_t at;
    if (rest.p == NULL || text.n + 1 > STATE_LINE_MAX || !gw_str_u64(gw_str_cut(&rest, ' '), &at))
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

/* ------------------------------------------------------------------ the file */

static bool write_file(const char *path, const char *text, size_t n) {
    char new[4096];
    if (snprintf(new, sizeof new, "%s.new", path) >= (int)sizeof new)
        return false;
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool good = write(fd, text, n) == (ssize_t)n;
    int err = errno;
    good = close(fd) == 0 && good;
    errno = err;
    return good && rename(new, path) == 0;
}

static void save(struct hub *hub) {
    static char text[TABLE_MAX]; /* the first loop's alone */
    struct state *s = &hub->state;
    size_t n;
    if (s->path == NULL)
        return;
    (void)copy(s, 0, GW_STR(""), text, &n);
    if (write_file(s->path, text, n)) {
        s->complained = false;
    } else if (!s->complained) {
        s->complained = true;
        log_note(hub->log, "error",
                 "%s cannot be written: %s; a restart will not know what is broken. Check "
                 "HEADY_DATA_DIR",
                 s->path, strerror(errno));
    }
}

static void load(struct hub *hub) {
    struct state *s = &hub->state;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    char *text = fd < 0 ? NULL : source_slurp(fd, TABLE_MAX, &n);
    if (text == NULL && errno != ENOENT)
        log_note(hub->log, "warn", "%s cannot be read: %s; it is left out", s->path,
                 strerror(errno));
    if (fd >= 0)
        close(fd);
    if (text == NULL)
        return;
    for (uint32_t i = 0; i < hub->peers.n; i++) {
        struct gw_str news;
        gw_sync(hub->loops[i]->gw, GW_FRAMES_ALL, gw_str(text, n), loop_time(hub->loops[i]), &news);
    }
    /* what the core has made of it: a line that it has not believed as it stood would stay for good */
    (void)keep(s, gw_show(hub->loops[0]->gw, GW_SHOW_STATE, loop_time(hub->loops[0])));
    for (uint32_t i = 0; i < hub->peers.n; i++)
        hub->loops[i]->state_seen = s->sequence;
    free(text);
}

/* ------------------------------------------------------------------ loops */

bool state_init(struct hub *hub, bool keep) {
    const char *dir = getenv("HEADY_DATA_DIR");
    struct state *s = &hub->state;
    if (dir == NULL || dir[0] == '\0')
        return true;
    size_t n = strlen(dir) + sizeof "/state";
    s->path = malloc(n);
    if (s->path == NULL)
        return false;
    (void)snprintf(s->path, n, "%s/state", dir);
    load(hub);
    if (keep) {
        save(hub); /* so that a directory that cannot be written is known at once */
    } else {
        free(s->path);
        s->path = NULL;
    }
    return true;
}

void state_del(struct hub *hub) {
    free(hub->state.path);
}

void state_news(struct loop *loop) {
    struct gw_str news;
    gw_sync(loop->gw, 0, gw_str(NULL, 0), loop_time(loop), &news);
    if (keep(&loop->hub->state, news))
        hub_order(loop->hub, HUB_STATE);
}

void state_take(struct loop *loop) {
    char text[TABLE_MAX];
    struct gw_str news;
    size_t n;
    loop->state_seen = copy(&loop->hub->state, loop->state_seen, GW_STR("lease "), text, &n);
    gw_sync(loop->gw, GW_FRAMES_LEASES, gw_str(text, n), loop_time(loop), &news);
    if (keep(&loop->hub->state, news))
        hub_order(loop->hub, HUB_STATE);
    if (loop == loop->hub->loops[0])
        save(loop->hub);
}
