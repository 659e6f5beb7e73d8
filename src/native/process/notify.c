#include "native/process/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

/* The address of the manager's socket: a path, or with "@" a name in the abstract space. */
static socklen_t manager(struct sockaddr_un *a) {
    const char *path = getenv("NOTIFY_SOCKET");
    size_t n = path != NULL ? strlen(path) : 0;
    if (n < 2 || n >= sizeof a->sun_path || (path[0] != '/' && path[0] != '@'))
        return 0;
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(a->sun_path, path, n);
    if (path[0] == '@')
        a->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

static void tell(const char *text) {
    struct sockaddr_un a;
    socklen_t n = manager(&a);
    int fd = n > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&a, n);
    close(fd);
}

void notify_ready(void) {
    tell("READY=1\nSTATUS=serving");
}

void notify_reloading(void) {
    char text[80];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reloading",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    tell(text);
}

void notify_main_pid(pid_t pid) {
    char text[80];
    (void)snprintf(text, sizeof text, "MAINPID=%ld\nSTATUS=serving", (long)pid);
    tell(text);
}

void notify_stopping(void) {
    tell("STOPPING=1\nSTATUS=finishing running calls");
}

void notify_alive(void) {
    tell("WATCHDOG=1");
}

static bool number(const char *name, uint64_t *value) {
    const char *text = getenv(name);
    return text != NULL && gw_str_u64(gw_str(text, strlen(text)), value);
}

double notify_alive_ms(void) {
    uint64_t usec, pid;
    if (!number("WATCHDOG_USEC", &usec))
        return 0;
    if (number("WATCHDOG_PID", &pid) && pid != (uint64_t)getpid())
        return 0;
    return (double)usec / 1e3;
}
