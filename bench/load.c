/* Users and consoles that cost little: both sides of a proxy in one process with one epoll.
 *
 *     load PROXY_PORT CONSOLE_PORT open|update PARALLEL SECONDS SIZE < tokens
 *
 * open: PARALLEL users at a time open a console up to its ServerInit, and leave.
 * update: PARALLEL users ask for an update of SIZE bytes, and again as soon as it is there; one more
 * user presses a key every 20 ms, which the console answers with a bell.
 * Tokens are lines of standard input, one for each user. Prints JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LISTENER, CONSOLE, USER };
enum { UPGRADE, GREETING, OPEN };
enum { GREETING_BYTES = 12 + 2 + 4 + 24 + 5, MOST_KEYS = 1 << 16 };

struct end {
    int fd, side, phase, typist;
    size_t have, wanted;     /* payload bytes of what is awaited */
    size_t skip, header_have; /* of the WebSocket frame being read */
    unsigned char header[16];
    int match; /* of the empty line after the HTTP header */
};

static int ep, proxy_port, is_update, running, typist_running;
static size_t size;
static char *update;
static long opened, updates, failed;
static double key_at, latencies[MOST_KEYS];
static int keys;
static struct end *the_typist;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void must(int ok, const char *what) {
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static struct end *watch(int fd, int side) {
    int on = 1;
    struct end *end = calloc(1, sizeof *end);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
    end->fd = fd;
    end->side = side;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    must(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    return end;
}

static void put(struct end *end, const void *data, size_t length) {
    const char *at = data;
    while (length) {
        ssize_t sent = send(end->fd, at, length, MSG_NOSIGNAL);
        if (sent <= 0) return;
        at += sent;
        length -= sent;
    }
}

static void put_frame(struct end *end, const void *data, size_t length) {
    unsigned char frame[64] = {0x82, 0x80 | length, 0, 0, 0, 0};
    memcpy(frame + 6, data, length);
    put(end, frame, length + 6);
}

static void enter(int typist) {
    char token[512], request[1024];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(proxy_port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct end *end;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(fd >= 0, "socket");
    if (!fgets(token, sizeof token, stdin)) {
        fprintf(stderr, "no token is left\n");
        exit(1);
    }
    token[strcspn(token, "\n")] = 0;
    must(!connect(fd, (struct sockaddr *)&address, sizeof address), "connect");
    end = watch(fd, USER);
    end->typist = typist;
    snprintf(request, sizeof request,
             "GET /websockify?token=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             token, proxy_port);
    put(end, request, strlen(request));
}

static void leave(struct end *end) {
    close(end->fd);
    free(end);
}

static void ask(struct end *end) {
    static const unsigned char request[10] = {3, 0, 0, 0, 0, 0, 4, 0, 3, 0};
    end->have = 0;
    end->wanted = size;
    put_frame(end, request, sizeof request);
}

static void press(void) {
    static const unsigned char key[8] = {4, 1, 0, 0, 0, 0, 0, 'a'};
    the_typist->have = 0;
    the_typist->wanted = 1;
    key_at = now();
    put_frame(the_typist, key, sizeof key);
}

/* All that was awaited has arrived; returns whether the user stays. */
static int arrived(struct end *end) {
    if (end->phase == GREETING) {
        opened++;
        end->phase = OPEN;
        if (!is_update) {
            leave(end);
            enter(0);
            return 0;
        }
        if (end->typist) {
            the_typist = end;
            end->wanted = (size_t)-1;
            return 1;
        }
    } else if (end->typist) {
        if (keys < MOST_KEYS) latencies[keys++] = now() - key_at;
        key_at = 0;
        end->wanted = (size_t)-1;
        return 1;
    } else if (running) {
        updates++;
    }
    ask(end);
    return 1;
}

static int user_payload(struct end *end, size_t length) {
    end->have += length;
    return end->have < end->wanted || arrived(end);
}

static size_t frame_header(const unsigned char *h, size_t have) {
    int length = have > 1 ? h[1] & 127 : 0;
    return length == 127 ? 10 : length == 126 ? 4 : 2;
}

static size_t frame_length(const unsigned char *h) {
    size_t length = h[1] & 127, i;
    if (length == 126) return (size_t)h[2] << 8 | h[3];
    if (length == 127)
        for (length = 0, i = 2; i < 10; i++) length = length << 8 | h[i];
    return length;
}

static int user_byte_of_http(struct end *end, char byte) {
    static const char empty[] = "\r\n\r\n";
    end->match = byte == empty[end->match] ? end->match + 1 : byte == '\r';
    if (end->match < 4) return 0;
    end->phase = GREETING;
    end->wanted = GREETING_BYTES;
    put_frame(end, "RFB 003.008\n\1\1", 14);
    return 1;
}

static void user_data(struct end *end, const char *data, size_t length) {
    while (length) {
        if (end->phase == UPGRADE) {
            user_byte_of_http(end, *data++);
            length--;
        } else if (end->skip) {
            size_t part = end->skip < length ? end->skip : length;
            end->skip -= part;
            data += part;
            length -= part;
            if (!user_payload(end, part)) return;
        } else {
            end->header[end->header_have++] = *data++;
            length--;
            if (end->header_have >= 2 &&
                end->header_have == frame_header(end->header, end->header_have)) {
                end->skip = frame_length(end->header);
                end->header_have = 0;
            }
        }
    }
}

static void console_data(struct end *end, const char *data, size_t length) {
    static const char init[GREETING_BYTES - 18] = {4, 0, 3, 0, 32, 24, 0, 1, 0, (char)255,
                                                   0, (char)255, 0, (char)255, 16, 8, 0, 0, 0, 0,
                                                   0, 0, 0, 5, 'b', 'e', 'n', 'c', 'h'};
    static const size_t needed[] = {12, 1, 1};
    while (length) { /* every message of our users arrives whole, or byte by byte in `have` */
        if (end->phase < 3) {
            end->have++, data++, length--;
            if (end->have < needed[end->phase]) continue;
            end->have = 0;
            if (end->phase == 0) put(end, "\1\1", 2);
            if (end->phase == 1) put(end, "\0\0\0\0", 4);
            if (end->phase == 2) put(end, init, sizeof init);
            end->phase++;
        } else {
            if (!end->have) end->header[0] = *data;
            size_t whole = end->header[0] == 3 ? 10 : end->header[0] == 4 ? 8 : 20;
            size_t part = whole - end->have < length ? whole - end->have : length;
            end->have += part, data += part, length -= part;
            if (end->have < whole) continue;
            end->have = 0;
            if (end->header[0] == 3) put(end, update, size);
            if (end->header[0] == 4) put(end, "\2", 1);
        }
    }
}

static void serve(struct end *end) {
    static char buffer[1 << 16];
    ssize_t got;
    if (end->side == LISTENER) {
        int fd = accept(end->fd, NULL, NULL);
        if (fd >= 0) put(watch(fd, CONSOLE), "RFB 003.008\n", 12);
        return;
    }
    got = recv(end->fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
        int was_user = end->side == USER;
        leave(end);
        if (was_user) {
            failed++;
            if (!is_update) enter(0);
        }
    } else if (end->side == USER) {
        user_data(end, buffer, got);
    } else {
        console_data(end, buffer, got);
    }
}

static int listen_on(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    must(!bind(fd, (struct sockaddr *)&address, sizeof address) && !listen(fd, 4096), "listen");
    return fd;
}

static void turn(double until) {
    struct epoll_event events[256];
    double left;
    while ((left = until - now()) > 0) {
        int i, wait = typist_running ? 5 : left * 1000 + 1;
        int count = epoll_wait(ep, events, 256, wait);
        for (i = 0; i < count; i++) serve(events[i].data.ptr);
        if (typist_running && the_typist && !key_at) {
            static double next;
            if (now() >= next) {
                press();
                next = now() + 0.02;
            }
        }
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int count, char **word) {
    int i, parallel;
    double seconds, begun, cpu_before;
    long opened_before;
    if (count != 7) return 2;
    proxy_port = atoi(word[1]);
    is_update = !strcmp(word[3], "update");
    parallel = atoi(word[4]);
    seconds = atof(word[5]);
    size = atoi(word[6]);
    update = calloc(1, size);
    update[3] = 1;
    ep = epoll_create1(0);
    watch(listen_on(atoi(word[2])), LISTENER);
    printf("listening\n");
    fflush(stdout);
    for (i = 0; i < parallel; i++) {
        enter(0);
        if (i % 32 == 31) turn(now() + 0.05);
    }
    if (is_update) enter(1);
    for (i = 0; is_update && opened < parallel + 1 && i < 300; i++) turn(now() + 0.1);
    turn(now() + 1.0); /* let it settle */
    running = 1;
    typist_running = is_update;
    opened_before = opened;
    begun = now();
    cpu_before = cpu();
    printf("begin\n");
    fflush(stdout);
    turn(begun + seconds);
    seconds = now() - begun;
    qsort(latencies, keys, sizeof *latencies, by_size);
    printf("{\"opened\": %ld, \"updates\": %ld, \"failed\": %ld, \"seconds\": %.3f, \"cpu\": %.3f, "
           "\"keys\": %d, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
           opened - opened_before, updates, failed, seconds, cpu() - cpu_before, keys,
           keys ? latencies[keys / 2] * 1e3 : 0, keys ? latencies[keys * 99 / 100] * 1e3 : 0);
    return 0;
}
