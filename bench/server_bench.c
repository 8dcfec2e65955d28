// SPDX-License-Identifier: Apache-2.0
/* server_bench.c: the client program with which bench/server.py measures `auger serve` and `mlflow server`, so that
 * both are asked in the same way by something that is not what one waits for: one thread, one event queue, kept
 * connections, answers that are counted and not parsed.
 *     bench-server                                          runs bench/server.py
 *     bench-server load HOST:PORT FILE CLIENTS SECONDS [N]  sends the requests of FILE in turn, each client the next
 *         when its last was answered, for SECONDS or N requests; prints a line of JSON: times in microseconds
 * A line of FILE is "METHOD PATH BODY"; "@N@" in path and body becomes a number of nine digits that never comes twice;
 * a body "+BYTES" is that many bytes. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/io/file.h"
#include "core/sys/clock.h"

enum { MOST_CLIENTS = 512, PIECE = 1 << 18, LONGEST_HEAD = 16384, LONGEST_REQUEST = 64 << 20 };

typedef struct request { /* a line of the file */
    ag_str method, path, body;
    uint64_t filler; /* bytes of a body that is only large */
} request;

typedef enum where { IN_HEAD, IN_BODY, IN_CHUNK_SIZE, IN_CHUNK, IN_TRAILER } where;

typedef struct client {
    int fd;
    ag_buf out;
    size_t sent;
    uint64_t filler; /* still to send after `out` */
    char head[LONGEST_HEAD];
    size_t head_size;
    where at;
    uint64_t left; /* of the body or the chunk */
    int status;
    bool close;
    int64_t began;
} client;

typedef struct load {
    struct sockaddr_in address;
    ag_vec requests;
    client *clients;
    size_t count;
    int epoll;
    int64_t until;
    uint64_t most, begun, answered, refused, bytes, number;
    ag_vec times; /* int64_t */
    size_t busy;
    char *piece;
} load;

static void stop_if(bool wrong, const char *what)
{
    if (!wrong) return;
    fprintf(stderr, "bench-server: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- requests ---- */

static void read_requests(load *l, ag_str text)
{
    ag_str line, method, path;
    ag_err err = {0};
    while (ag_str_next(&text, '\n', &line)) {
        if (!line.size) continue;
        ag_str_next(&line, ' ', &method);
        ag_str_next(&line, ' ', &path);
        request one = {.method = method, .path = path, .body = line};
        if (line.size && line.data[0] == '+') {
            one.filler = strtoull(line.data + 1, NULL, 10);
            one.body.size = 0;
        }
        stop_if(ag_vec_push(&l->requests, &one, &err) < 0, err.text);
    }
    stop_if(l->requests.count == 0, "no requests");
}

/* "@N@" and the number have different sizes, so the body is made before its length is said. */
static void add_numbered(ag_buf *out, ag_str text, uint64_t number)
{
    while (text.size) {
        const char *mark = memmem(text.data, text.size, "@N@", 3);
        size_t before = mark ? (size_t)(mark - text.data) : text.size;
        ag_buf_add(out, text.data, before);
        if (!mark) return;
        ag_buf_addf(out, "%09llu", (unsigned long long)number);
        text = ag_str_slice(text, before + 3, text.size);
    }
}

static void write_request(load *l, client *c)
{
    const request *r = ag_vec_at(&l->requests, l->begun % l->requests.count);
    uint64_t number = l->number++;
    ag_buf body;
    ag_buf_init(&body, LONGEST_REQUEST);
    add_numbered(&body, r->body, number);
    ag_buf_clear(&c->out);
    ag_buf_addf(&c->out, "%.*s ", AG_STR_ARG(r->method));
    add_numbered(&c->out, r->path, number);
    ag_buf_add_text(&c->out, " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n");
    if (body.size) ag_buf_add_text(&c->out, "Content-Type: application/json\r\n");
    if (!ag_str_is(r->method, "GET")) {
        ag_buf_addf(&c->out, "Content-Length: %llu\r\n", (unsigned long long)body.size + r->filler);
    }
    ag_buf_add_text(&c->out, "\r\n");
    if (body.size) ag_buf_add(&c->out, body.data, body.size);
    stop_if(body.failed || c->out.failed, "a request is too long");
    c->sent = 0;
    c->filler = r->filler;
    ag_buf_deinit(&body);
}

/* ---- connections ---- */

static void join(load *l, client *c)
{
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    stop_if(c->fd < 0, "socket");
    stop_if(connect(c->fd, (const struct sockaddr *)&l->address, sizeof(l->address)) != 0, "connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    stop_if(epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0, "epoll");
    c->close = false;
}

static void leave(client *c)
{
    close(c->fd);
    c->fd = -1;
}

/* What fits now; the rest when the socket says that there is room. */
static void send_more(load *l, client *c)
{
    while (c->sent < c->out.size || c->filler) {
        bool text = c->sent < c->out.size;
        const char *from = text ? c->out.data + c->sent : l->piece;
        size_t size = text ? c->out.size - c->sent : c->filler < PIECE ? (size_t)c->filler : PIECE;
        ssize_t wrote = send(c->fd, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (wrote < 0 && errno == EAGAIN) break;
        stop_if(wrote < 0, "send");
        if (text)
            c->sent += (size_t)wrote;
        else
            c->filler -= (uint64_t)wrote;
        l->bytes += text ? 0 : (uint64_t)wrote;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (c->sent < c->out.size || c->filler) event.events |= EPOLLOUT;
    stop_if(epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &event) != 0, "epoll");
}

static void begin(load *l, client *c)
{
    if (l->begun >= l->most || ag_monotonic() >= l->until) {
        if (c->fd >= 0) leave(c);
        l->busy--;
        return;
    }
    if (c->fd < 0) join(l, c);
    write_request(l, c);
    l->begun++;
    c->head_size = 0;
    c->at = IN_HEAD;
    c->began = ag_monotonic();
    send_more(l, c);
}

/* ---- answers ---- */

static void finish(load *l, client *c)
{
    ag_err err = {0};
    int64_t took = ag_monotonic() - c->began;
    stop_if(ag_vec_push(&l->times, &took, &err) < 0, err.text);
    l->answered++;
    l->refused += c->status != 200;
    if (c->close) leave(c);
    begin(l, c);
}

static const char *find_field(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);
    return at ? at + strlen(name) : NULL;
}

/* Takes bytes of the head; true when the head is whole and says that nothing follows. */
static bool take_head(client *c, const char *bytes, size_t size, size_t *used)
{
    size_t room = LONGEST_HEAD - 1 - c->head_size, take = size < room ? size : room;
    stop_if(take == 0, "the head of an answer is too long");
    memcpy(c->head + c->head_size, bytes, take);
    size_t before = c->head_size;
    c->head[before + take] = '\0';
    char *end = strstr(c->head + (before > 3 ? before - 3 : 0), "\r\n\r\n");
    if (!end) {
        c->head_size += take;
        *used = take;
        return false;
    }
    *end = '\0';
    *used = (size_t)(end + 4 - c->head) - before;
    c->status = (int)strtol(c->head + 9, NULL, 10);
    const char *length = find_field(c->head, "\r\ncontent-length:");
    c->close = find_field(c->head, "\r\nconnection: close") != NULL;
    c->left = length ? strtoull(length, NULL, 10) : 0;
    c->at = find_field(c->head, "\r\ntransfer-encoding: chunked") ? IN_CHUNK_SIZE : IN_BODY;
    c->head_size = 0;
    return c->at == IN_BODY && c->left == 0;
}

/* One byte of a chunk's size line, or of what stands behind the last chunk; true at the end of all. */
static bool take_line_byte(client *c, char byte)
{
    if (byte != '\n') {
        if (c->head_size < 32) c->head[c->head_size++] = byte;
        return false;
    }
    c->head[c->head_size] = '\0';
    bool empty = c->head_size <= 1;
    c->head_size = 0;
    if (c->at == IN_TRAILER) return empty;
    c->left = strtoull(c->head, NULL, 16);
    if (c->left == 0)
        c->at = IN_TRAILER;
    else {
        c->at = IN_CHUNK;
        c->left += 2; /* the line end behind the data */
    }
    return false;
}

/* True when the answer is whole. */
static bool take(load *l, client *c, const char *bytes, size_t size)
{
    while (size) {
        size_t used = 1;
        bool whole = false;
        if (c->at == IN_HEAD) {
            whole = take_head(c, bytes, size, &used);
        } else if (c->at == IN_BODY || c->at == IN_CHUNK) {
            used = size < c->left ? size : (size_t)c->left;
            if (c->status != 200 && !l->refused) fprintf(stderr, "%d: %.*s\n", c->status, (int)used, bytes);
            c->left -= used;
            l->bytes += used;
            whole = c->at == IN_BODY && c->left == 0;
            if (c->at == IN_CHUNK && c->left == 0) c->at = IN_CHUNK_SIZE;
        } else {
            whole = take_line_byte(c, *bytes);
        }
        bytes += used;
        size -= used;
        if (whole) return true;
    }
    return false;
}

static void receive(load *l, client *c)
{
    for (;;) {
        ssize_t got = recv(c->fd, l->piece, PIECE, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) return;
        stop_if(got <= 0, "the server closed the connection");
        if (take(l, c, l->piece, (size_t)got)) {
            finish(l, c);
            return;
        }
    }
}

static void run(load *l)
{
    struct epoll_event events[MOST_CLIENTS];
    l->busy = l->count;
    for (size_t i = 0; i < l->count; i++) begin(l, &l->clients[i]);
    while (l->busy) {
        int ready = epoll_wait(l->epoll, events, MOST_CLIENTS, 1000);
        stop_if(ready < 0 && errno != EINTR, "epoll");
        for (int i = 0; i < ready; i++) {
            client *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                send_more(l, c);
            else
                receive(l, c);
        }
    }
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print(load *l, double seconds)
{
    stop_if(l->times.count == 0, "nothing was answered");
    ag_vec_sort(&l->times, compare_times);
    const int64_t *times = l->times.items;
    printf("{\"requests\": %llu, \"refused\": %llu, \"seconds\": %.6f, \"p50\": %lld, \"p99\": %lld, \"least\": %lld, "
           "\"most\": %lld, \"bytes\": %llu}\n",
           (unsigned long long)l->answered, (unsigned long long)l->refused, seconds,
           (long long)times[l->times.count / 2], (long long)times[l->times.count * 99 / 100], (long long)times[0],
           (long long)times[l->times.count - 1], (unsigned long long)l->bytes);
}

static void find_server(load *l, const char *address)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    stop_if(!colon || (size_t)(colon - address) >= sizeof(host), "HOST:PORT is wanted");
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    l->address.sin_family = AF_INET;
    l->address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    stop_if(inet_pton(AF_INET, host, &l->address.sin_addr) != 1, "HOST must be a number");
}

static int run_load(char **argv, int argc)
{
    ag_err err = {0};
    load l = {.count = strtoul(argv[2], NULL, 10), .most = argc > 4 ? strtoull(argv[4], NULL, 10) : UINT64_MAX};
    stop_if(l.count == 0 || l.count > MOST_CLIENTS, "too many clients");
    find_server(&l, argv[0]);
    ag_buf text;
    ag_buf_init(&text, LONGEST_REQUEST);
    stop_if(ag_file_read(argv[1], LONGEST_REQUEST, &text, &err) < 0, err.text);
    ag_vec_init(&l.requests, sizeof(request));
    ag_vec_init(&l.times, sizeof(int64_t));
    read_requests(&l, ag_buf_str(&text));
    l.clients = ag_calloc(l.count, sizeof(*l.clients));
    l.piece = ag_calloc(1, PIECE);
    stop_if(!l.clients || !l.piece, "memory");
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    l.number = (uint64_t)(ag_now() / 1000) % 900000000; /* other numbers than an earlier load's */
    for (size_t i = 0; i < l.count; i++) {
        ag_buf_init(&l.clients[i].out, LONGEST_REQUEST);
        l.clients[i].fd = -1;
    }
    int64_t start = ag_monotonic();
    l.until = start + (int64_t)(strtod(argv[3], NULL) * 1e6);
    run(&l);
    print(&l, (double)(ag_monotonic() - start) / 1e6);
    for (size_t i = 0; i < l.count; i++) ag_buf_deinit(&l.clients[i].out);
    ag_vec_deinit(&l.times);
    ag_vec_deinit(&l.requests);
    close(l.epoll);
    ag_free(l.piece);
    ag_free(l.clients);
    ag_buf_deinit(&text);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 6 && strcmp(argv[1], "load") == 0) return run_load(argv + 2, argc - 2);
    return execl("/bin/sh", "sh", "-c",
                 "python=$(scripts/test-venv bench-server bench/server_requirements.txt) && exec \"$python\" "
                 "bench/server.py",
                 (char *)NULL);
}
