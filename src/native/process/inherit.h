/*
 * Listening sockets that this process was started with, by systemd's protocol: LISTEN_PID is this
 * process, LISTEN_FDS sockets begin at descriptor 3, LISTEN_FDNAMES says which is which.
 *
 *     from                    | named   | which addresses are served
 *     ------------------------+---------+-----------------------------------------------------------
 *     a socket unit           | any     | the sockets', and those of --listen; the file's "listen"
 *                             |         | only if there is no socket
 *     a process that we       | "given" | the same: it had them from a socket unit
 *     take over from          | "own"   | those that the command line and the file want now; of a
 *     (HEADY_READY_FD is set) |         | socket that none of them wants the queue is lost
 *
 * Each loop gets at least one socket of each address. If there are more sockets than loops, a loop gets
 * several: the connections in the queue of a socket that nobody takes would be reset. If there are fewer,
 * loops share.
 *
 * HEADY_READY_FD is a pipe to the process that we take over from. One byte says how it went: INHERIT_READY,
 * or the errno with which the program could not be started.
 */
#ifndef NATIVE_PROCESS_INHERIT_H
#define NATIVE_PROCESS_INHERIT_H

#include "native/process/addresses.h"

enum { INHERIT_FIRST = 3, INHERIT_MAX = 1024, INHERIT_WHY = 256, INHERIT_READY = 0 };

struct hub;

struct inherited {
    struct listen_address address;
    int fd; /* -1: somebody has it */
    bool given;
};

struct inherit {
    struct inherited *socket;
    uint32_t n;
    int ready; /* -1: nobody waits for us */
};

/* Reads and removes the variables. False: `why` says what is wrong with them. */
bool inherit_read(struct inherit *in, char why[INHERIT_WHY]);
/* Adds the addresses of given sockets; false if there are too many. */
bool inherit_addresses(const struct inherit *in, struct addresses *a);
/* Gives the loops the sockets of `a`; a port 0 in it becomes the port that was chosen before. How many
 * sockets there were, or a negative errno. */
int inherit_place(struct inherit *in, struct hub *hub, struct listen_address *a);
/* This process serves: closes what no loop has taken, and tells whoever waits for us. */
void inherit_ready(struct inherit *in);
/* Closes what no loop has taken. The pipe stays open until the process ends: that tells whoever waits for
 * us that we failed. */
void inherit_del(struct inherit *in);

#endif
