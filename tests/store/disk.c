/*
 * A bad disk, by LD_PRELOAD: what is written to files whose path contains HEADY_DISK_OF goes as the file
 * HEADY_DISK says at that moment:
 *
 *     slow MS    each fsync takes that long
 *     full       nothing can be written: ENOSPC
 *     broken     nothing can be written or synced: EIO
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { TEXT = 64, LINK = 4096 };

static bool is_ours(int fd) {
    char name[TEXT], path[LINK];
    const char *of = getenv("HEADY_DISK_OF");
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = of == NULL ? -1 : readlink(name, path, sizeof path - 1);
    if (n < 0)
        return false;
    path[n] = '\0';
    return strstr(path, of) != NULL;
}

static void mood(char text[TEXT]) {
    const char *file = getenv("HEADY_DISK");
    int fd = file == NULL ? -1 : open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, TEXT - 1);
    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

/* Whether a write may go on; else errno says why not. */
static bool may_write(int fd) {
    char text[TEXT];
    if (!is_ours(fd))
        return true;
    mood(text);
    errno = strncmp(text, "full", 4) == 0 ? ENOSPC : EIO;
    return strncmp(text, "full", 4) != 0 && strncmp(text, "broken", 6) != 0;
}

static bool may_sync(int fd) {
    char text[TEXT];
    if (!is_ours(fd))
        return true;
    mood(text);
    if (strncmp(text, "slow ", 5) == 0)
        usleep((useconds_t)strtoul(text + 5, NULL, 10) * 1000);
    errno = EIO;
    return strncmp(text, "broken", 6) != 0;
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *p, size_t n) {
    return may_write(fd) ? REAL(write)(fd, p, n) : -1;
}
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) {
    return may_write(fd) ? REAL(pwrite)(fd, p, n, at) : -1;
}
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at) {
    return may_write(fd) ? REAL(pwrite64)(fd, p, n, at) : -1;
}
int ftruncate(int fd, off_t n) {
    return may_write(fd) ? REAL(ftruncate)(fd, n) : -1;
}
int ftruncate64(int fd, off_t n) {
    return may_write(fd) ? REAL(ftruncate64)(fd, n) : -1;
}
int fsync(int fd) {
    return may_sync(fd) ? REAL(fsync)(fd) : -1;
}
int fdatasync(int fd) {
    return may_sync(fd) ? REAL(fdatasync)(fd) : -1;
}
