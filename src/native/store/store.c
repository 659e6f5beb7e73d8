#include "native/store/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "native/loop/log.h"
#include "native/loop/loop.h"
#include "native/store/db.h"

/* A question. It is the thread's while it waits and runs, and then the box's. */
struct job {
    struct job *next;
    struct store_box *box; /* NULL: nobody waits */
    const struct store_what *what;
    uint64_t id;
    double deadline_ms;
    struct gw_str key, bytes; /* in `text` */
    enum store_status status;
    struct store_out out;
    /* the asking loop's alone */
    store_answered *answered; /* NULL: it has been told */
    struct job *before, *after;
    char text[];
};

struct queue {
    struct job *first, *last;
};

/* Where a loop's answers lie. */
struct store_box {
    struct store *store;
    struct store_box *next;
    struct loop *loop;    /* under the lock; NULL: it has left */
    struct queue answers; /* under the lock */
    struct job *waiting;  /* the loop's alone, as all below */
    uv_async_t arrived;
    struct timer late;
};

struct store {
    pthread_t thread;
    pthread_mutex_t lock; /* never held while the disk is waited for */
    pthread_cond_t more, over;
    struct queue queue;
    size_t asks, bytes; /* not yet answered by the thread */
    struct store_box *boxes;
    bool stop, ended;
    const struct store_what *whats;
    uint32_t whats_n;
    struct log *log;
    struct db db; /* the thread's alone */
};

/* ------------------------------------------------------------------ small parts */

static void append(struct queue *q, struct job *job) {
    job->next = NULL;
    if (q->last == NULL)
        q->first = job;
    else
        q->last->next = job;
    q->last = job;
}

static struct job *shift(struct queue *q) {
    struct job *job = q->first;
    if (job != NULL)
        q->first = job->next;
    if (q->first == NULL)
        q->last = NULL;
    return job;
}

static size_t job_size(const struct job *job) {
    return sizeof *job + job->key.n + job->bytes.n;
}

static void job_free(struct job *job) {
    free(job->out.p);
    free(job);
}

bool store_put(struct store_out *out, struct gw_str bytes) {
    if (bytes.n > STORE_ANSWER_MAX - out->n)
        return false;
    if (out->n + bytes.n > out->cap) {
        size_t cap = 2 * (out->n + bytes.n);
        char *p = realloc(out->p, cap);
        if (p == NULL)
            return false;
        out->p = p;
        out->cap = cap;
    }
    if (bytes.n > 0)
        memcpy(out->p + out->n, bytes.p, bytes.n);
    out->n += bytes.n;
    return true;
}

/* ------------------------------------------------------------------ the thread */

static void job_fail(struct store *store, struct job *job) {
    job->status = store->db.newer ? STORE_NEWER : STORE_FAILED;
    job->out.n = 0;
    (void)store_put(&job->out, gw_str(store->db.why, strlen(store->db.why)));
}

static bool job_run(struct store *store, struct job *job) {
    job->out.n = 0;
    if (job->deadline_ms > 0 && loop_mono_ms() >= job->deadline_ms) {
        job->status = STORE_LATE;
        return true;
    }
    job->status = job->what->run(&store->db, job->key, job->bytes, &job->out);
    return job->status != STORE_FAILED;
}

/* Runs `first` and those behind it, up to `end`, in one transaction. False: nothing of it stays. */
static bool run_together(struct store *store, struct job *first, const struct job *end) {
    bool writes = false;
    for (struct job *job = first; job != end; job = job->next)
        writes |= job->what->writes;
    bool good = db_begin(&store->db, writes);
    for (struct job *job = first; good && job != end; job = job->next)
        good = job_run(store, job);
    good = good && db_commit(&store->db);
    if (!good)
        db_undo(&store->db);
    return good;
}

static void run(struct store *store, struct job *first) {
    if (first->next != NULL && run_together(store, first, NULL))
        return;
    for (struct job *job = first; job != NULL; job = job->next)
        if (!run_together(store, job, job->next))
            job_fail(store, job);
}

/* A batch; NULL when all is done and nothing will come. */
static struct job *wait_for_batch(struct store *store) {
    struct queue batch = {NULL, NULL};
    while (store->queue.first == NULL && !store->stop)
        pthread_cond_wait(&store->more, &store->lock);
    for (int i = 0; i < STORE_BATCH && store->queue.first != NULL; i++)
        append(&batch, shift(&store->queue));
    return batch.first;
}

static void hand_over(struct store *store, struct job *job) {
    struct store_box *box = job->box;
    store->asks--;
    store->bytes -= job_size(job);
    if (box == NULL || box->loop == NULL) {
        job_free(job);
        return;
    }
    append(&box->answers, job);
    uv_async_send(&box->arrived);
}

static void *work(void *arg) {
    struct store *store = arg;
    struct job *batch;
    pthread_mutex_lock(&store->lock);
    while ((batch = wait_for_batch(store)) != NULL) {
        pthread_mutex_unlock(&store->lock);
        run(store, batch);
        pthread_mutex_lock(&store->lock);
        while (batch != NULL) {
            struct job *job = batch;
            batch = job->next;
            hand_over(store, job);
        }
    }
    pthread_mutex_unlock(&store->lock);
    db_close(&store->db); /* may write, too */
    pthread_mutex_lock(&store->lock);
    store->ended = true;
    pthread_cond_signal(&store->over);
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

/* ------------------------------------------------------------------ a loop's box */

static void wait_on(struct store_box *box, struct job *job) {
    job->before = NULL;
    job->after = box->waiting;
    if (box->waiting != NULL)
        box->waiting->before = job;
    box->waiting = job;
    if (job->deadline_ms > 0 && job->deadline_ms < box->late.at)
        timer_set(&box->late, job->deadline_ms);
}

static void wait_no_more(struct store_box *box, struct job *job) {
    if (job->before != NULL)
        job->before->after = job->after;
    else
        box->waiting = job->after;
    if (job->after != NULL)
        job->after->before = job->before;
}

/* Tells the asker, once. What it does may be to ask again. */
static void tell(struct store_box *box, struct job *job, enum store_status status,
                 struct gw_str bytes) {
    struct loop *loop = box->loop;
    store_answered *answered = job->answered;
    if (answered == NULL)
        return;
    job->answered = NULL;
    wait_no_more(box, job);
    answered(loop, job->id, status, bytes);
    loop->ops->flush(loop);
}

static void arrived(uv_async_t *async) {
    struct store_box *box = async->data;
    struct job *job;
    pthread_mutex_lock(&box->store->lock);
    struct queue answers = box->answers;
    box->answers = (struct queue){NULL, NULL};
    pthread_mutex_unlock(&box->store->lock);
    while ((job = shift(&answers)) != NULL) {
        tell(box, job, job->status, gw_str(job->out.p, job->out.n));
        job_free(job);
    }
}

static struct job *overdue(struct store_box *box, double now) {
    for (struct job *job = box->waiting; job != NULL; job = job->after)
        if (job->deadline_ms > 0 && job->deadline_ms <= now)
            return job;
    return NULL;
}

static void late(struct timer *timer) {
    struct store_box *box = ((struct loop *)timer->uv.loop->data)->store;
    double now = loop_mono_ms(), next = INFINITY;
    struct job *job;
    if (box == NULL)
        return;
    while ((job = overdue(box, now)) != NULL)
        tell(box, job, STORE_LATE, gw_str(NULL, 0));
    for (job = box->waiting; job != NULL; job = job->after)
        if (job->deadline_ms > 0 && job->deadline_ms < next)
            next = job->deadline_ms;
    if (next < INFINITY)
        timer_set(&box->late, next);
}

bool store_join(struct store *store, struct loop *loop) {
    struct store_box *box = calloc(1, sizeof *box);
    if (box == NULL || uv_async_init(&loop->uv, &box->arrived, arrived) != 0) {
        free(box);
        return false;
    }
    timer_init(&box->late, &loop->uv, late);
    box->arrived.data = box;
    box->store = store;
    box->loop = loop;
    pthread_mutex_lock(&store->lock);
    box->next = store->boxes;
    store->boxes = box;
    pthread_mutex_unlock(&store->lock);
    loop->store = box;
    return true;
}

void store_leave(struct loop *loop) {
    struct store_box *box = loop->store;
    struct job *job;
    if (box == NULL)
        return;
    loop->store = NULL;
    pthread_mutex_lock(&box->store->lock);
    box->loop = NULL;
    box->waiting = NULL;
    while ((job = shift(&box->answers)) != NULL)
        job_free(job);
    pthread_mutex_unlock(&box->store->lock);
}

/* ------------------------------------------------------------------ asking */

static struct job *job_new(struct store_box *box, const struct store_ask *ask) {
    struct job *job = malloc(sizeof *job + ask->key.n + ask->bytes.n);
    if (job == NULL)
        return NULL;
    *job = (struct job){.box = ask->answered == NULL ? NULL : box,
                        .what = &box->store->whats[ask->what],
                        .id = ask->id,
                        .deadline_ms = ask->deadline_ms,
                        .answered = ask->answered};
    job->key = gw_str(job->text, ask->key.n);
    job->bytes = gw_str(job->text + ask->key.n, ask->bytes.n);
    if (ask->key.n > 0)
        memcpy(job->text, ask->key.p, ask->key.n);
    if (ask->bytes.n > 0)
        memcpy(job->text + ask->key.n, ask->bytes.p, ask->bytes.n);
    return job;
}

static bool enqueue(struct store *store, struct job *job) {
    pthread_mutex_lock(&store->lock);
    bool room = store->asks < STORE_ASKS_MAX && job_size(job) <= STORE_BYTES_MAX - store->bytes;
    if (room) {
        store->asks++;
        store->bytes += job_size(job);
        append(&store->queue, job);
        pthread_cond_signal(&store->more);
    }
    pthread_mutex_unlock(&store->lock);
    return room;
}

bool store_ask(struct loop *loop, const struct store_ask *ask) {
    struct store_box *box = loop->store;
    if (box == NULL || ask->what >= box->store->whats_n)
        return false;
    struct job *job = job_new(box, ask);
    if (job == NULL)
        return false;
    /* before the thread has it, which may be done at once */
    if (job->answered != NULL)
        wait_on(box, job);
    if (enqueue(box->store, job))
        return true;
    if (job->answered != NULL)
        wait_no_more(box, job);
    job_free(job);
    return false;
}

/* ------------------------------------------------------------------ life */

struct store *store_new(const char *dir, bool reads, const struct store_what *whats,
                        uint32_t whats_n, struct log *log) {
    pthread_condattr_t attr;
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return NULL;
    store->whats = whats;
    store->whats_n = whats_n;
    store->log = log;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->more, NULL);
    pthread_cond_init(&store->over, &attr);
    pthread_condattr_destroy(&attr);
    if (!db_init(&store->db, dir, reads, log) ||
        pthread_create(&store->thread, NULL, work, store) != 0) {
        db_del(&store->db);
        free(store);
        return NULL;
    }
    return store;
}

bool store_stop(struct store *store) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STORE_STOP_MS / 1000;
    pthread_mutex_lock(&store->lock);
    store->stop = true;
    pthread_cond_signal(&store->more);
    while (!store->ended)
        if (pthread_cond_timedwait(&store->over, &store->lock, &until) == ETIMEDOUT)
            break;
    bool ended = store->ended;
    pthread_mutex_unlock(&store->lock);
    if (!ended)
        log_note(store->log, "warn",
                 "%s: the disk takes too long; what was learnt last may be lost", store->db.path);
    return ended;
}

bool store_del(struct store *store) {
    struct store_box *box;
    pthread_mutex_lock(&store->lock);
    bool ended = store->ended;
    pthread_mutex_unlock(&store->lock);
    if (!ended)
        return false;
    pthread_join(store->thread, NULL);
    while ((box = store->boxes) != NULL) {
        store->boxes = box->next;
        free(box);
    }
    pthread_mutex_destroy(&store->lock);
    pthread_cond_destroy(&store->more);
    pthread_cond_destroy(&store->over);
    db_del(&store->db);
    free(store);
    return true;
}
