/* A load generator: one process, one thread, epoll. Every connection is a closed loop: request, whole answer, next.
 *
 *   load PORT REQUEST_FILE CONNECTIONS REQUESTS SECONDS [END]
 *
 * REQUEST_FILE holds the request as sent, head and body. The run ends after REQUESTS answers or SECONDS, whichever is
 * first. An answer has to be a 200 that is complete by its framing and, where END is given, has END in its last bytes:
 * anything else is an error. With CONNECTIONS negative, |CONNECTIONS| streams are opened and held: the generator
 * prints "holding N" when each has brought its first event, and ends when its standard input does.
 *
 * Prints one line of JSON: requests, errors, seconds, bytes, events, and p50 and p99 of the whole answer and of the
 * first byte of its body, in microseconds.
 */
#include "wire.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

enum { READ_SIZE = 1 << 18, TAIL = 128, BUCKETS = 4096 };

struct connection {
    int fd;
    size_t sent;
    uint64_t began;
    struct buffer head; /* until its blank line is there */
    int in_body, chunked, first_seen, holding;
    long long left; /* bytes of the body or of the chunk; -1: in a chunk's size line */
    char line[32];
    int line_size;
    int last_chunk;
    char tail[TAIL];
    size_t tail_size;
};

static const char *request, *end_mark;
static size_t request_size;
static int poller, port, holds;
static long long requests, errors, bytes, events, wanted, holding;
static uint64_t whole_times[BUCKETS], first_times[BUCKETS];
static char scratch[READ_SIZE];

/* Buckets grow by 1 %, so that a percentile is right to 1 %. */
static void count_time(uint64_t *times, uint64_t ns) {
    double us = (double)ns / 1000.0;
    int bucket = us < 1 ? 0 : (int)(log(us) / log(1.01));
    times[bucket >= BUCKETS ? BUCKETS - 1 : bucket]++;
}

static double percentile(const uint64_t *times, double part) {
    uint64_t total = 0, seen = 0;
    for (int i = 0; i < BUCKETS; i++) total += times[i];
    for (int i = 0; i < BUCKETS; i++) {
        seen += times[i];
        if (total > 0 && (double)seen >= part * (double)total) return pow(1.01, i + 0.5);
    }
    return 0;
}

static void update(struct connection *c, int writing) {
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void pump(struct connection *c) {
    while (c->sent < request_size) {
        ssize_t done = send(c->fd, request + c->sent, request_size - c->sent, MSG_NOSIGNAL);
        if (done < 0) {
            if (errno == EAGAIN || errno == ENOTCONN) update(c, 1);
            return;
        }
        c->sent += (size_t)done;
        if (c->sent == request_size && done != (ssize_t)request_size) update(c, 0);
    }
}

static void begin(struct connection *c) {
    c->sent = 0;
    c->head.size = 0;
    c->in_body = c->chunked = c->first_seen = c->last_chunk = c->line_size = 0;
    c->tail_size = 0;
    c->began = now_ns();
    pump(c);
}

static void dial(struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
    set_nonblocking(c->fd);
    set_no_delay(c->fd);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    begin(c);
}

static void fail(struct connection *c) {
    errors++;
    if (errors > 100) {
        fprintf(stderr, "too many errors\n");
        exit(1);
    }
    close(c->fd);
    dial(c);
}

static void keep_tail(struct connection *c, const char *data, size_t size) {
    if (size >= TAIL) {
        memcpy(c->tail, data + size - TAIL, TAIL);
        c->tail_size = TAIL;
        return;
    }
    if (c->tail_size + size > TAIL) {
        size_t drop = c->tail_size + size - TAIL;
        memmove(c->tail, c->tail + drop, c->tail_size - drop);
        c->tail_size -= drop;
    }
    memcpy(c->tail + c->tail_size, data, size);
    c->tail_size += size;
}

static void take_body(struct connection *c, const char *data, size_t size) {
    if (!c->first_seen && size > 0) {
        c->first_seen = 1;
        count_time(first_times, now_ns() - c->began);
    }
    if (end_mark) {
        for (const char *at = data, *stop = data + size; (at = memmem(at, (size_t)(stop - at), "data: ", 6)); at += 6)
            events++;
        keep_tail(c, data, size);
    }
    if (holds && !c->holding && events > 0 && memmem(data, size, "word", 4)) {
        c->holding = 1;
        holding++;
    }
}

static int complete(struct connection *c) {
    requests++;
    count_time(whole_times, now_ns() - c->began);
    if (end_mark && memmem(c->tail, c->tail_size, end_mark, strlen(end_mark)) == NULL) return -1;
    begin(c);
    return 0;
}

/* Takes a piece of an answer. Returns -1 when it is wrong. */
static int take(struct connection *c, const char *data, size_t size) {
    bytes += (long long)size;
    while (size > 0) {
        if (!c->in_body) {
            size_t before = c->head.size;
            append(&c->head, data, size);
            char *blank = memmem(c->head.data, c->head.size, "\r\n\r\n", 4);
            if (blank == NULL) return c->head.size > 65536 ? -1 : 0;
            size_t head_size = (size_t)(blank + 4 - c->head.data);
            size_t used = head_size - before;
            data += used;
            size -= used;
            if (strncmp(c->head.data, "HTTP/1.1 200", 12) != 0) {
                fprintf(stderr, "%.*s\n", (int)(c->head.size < 2000 ? c->head.size : 2000), c->head.data);
                return -1;
            }
            const char *length = header_value(c->head.data, blank + 2, "content-length");
            c->in_body = 1;
            c->chunked = length == NULL;
            c->left = length ? strtoll(length, NULL, 10) : -1;
            if (length && c->left == 0) return complete(c);
            continue;
        }
        if (c->left > 0) {
            size_t part = size < (size_t)c->left ? size : (size_t)c->left;
            take_body(c, data, part);
            c->left -= (long long)part;
            data += part;
            size -= part;
            if (c->left == 0) {
                if (!c->chunked) {
                    if (complete(c) < 0) return -1;
                    continue;
                }
                c->left = -1;
                c->line_size = -2; /* the line end behind the chunk */
            }
            continue;
        }
        if (c->line_size < 0) {
            c->line_size++;
            data++;
            size--;
            continue;
        }
        char byte = *data++;
        size--;
        if (byte != '\n') {
            if (byte == '\r') continue;
            if (c->line_size >= (int)sizeof c->line - 1) return -1;
            c->line[c->line_size++] = byte;
            continue;
        }
        c->line[c->line_size] = 0;
        if (c->last_chunk) {
            if (c->line_size > 0) { c->line_size = 0; continue; }
            if (complete(c) < 0) return -1;
            continue;
        }
        c->left = strtoll(c->line, NULL, 16);
        c->line_size = 0;
        if (c->left == 0) { c->last_chunk = 1; c->left = -1; }
    }
    return 0;
}

static void receive(struct connection *c) {
    ssize_t got = recv(c->fd, scratch, READ_SIZE, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0 || take(c, scratch, (size_t)got) < 0) fail(c);
}

static void load_request(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) die(path);
    struct buffer b = {0};
    for (;;) {
        reserve(&b, 65536);
        size_t got = fread(b.data + b.size, 1, 65536, file);
        if (got == 0) break;
        b.size += got;
    }
    fclose(file);
    request = b.data;
    request_size = b.size;
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(stderr, "usage: load PORT REQUEST_FILE CONNECTIONS REQUESTS SECONDS [END]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    port = atoi(argv[1]);
    load_request(argv[2]);
    int connections = atoi(argv[3]);
    holds = connections < 0;
    connections = abs(connections);
    wanted = atoll(argv[4]);
    double limit = atof(argv[5]);
    end_mark = argc > 6 ? argv[6] : NULL;
    poller = epoll_create1(0);
    uint64_t began = now_ns(), end = began + (uint64_t)(limit * 1e9);
    struct connection *all = calloc((size_t)connections, sizeof *all);
    int opened = 0, told = 0;
    while (requests < wanted && now_ns() < end) {
        /* Opened in groups, so that no accept queue overflows. */
        for (int group = 0; opened < connections && group < 64; group++) dial(&all[opened++]);
        struct epoll_event found[256];
        int count = epoll_wait(poller, found, 256, 50);
        for (int i = 0; i < count; i++) {
            struct connection *c = found[i].data.ptr;
            if (found[i].events & EPOLLOUT) pump(c);
            if (found[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
        }
        if (holds && !told && holding == connections) {
            told = 1;
            printf("holding %lld\n", holding);
            fflush(stdout);
        }
        if (told) {
            struct pollfd input = {.fd = 0, .events = POLLIN};
            if (poll(&input, 1, 0) > 0) break;
        }
    }
    double seconds = (double)(now_ns() - began) / 1e9;
    printf("{\"requests\":%lld,\"errors\":%lld,\"seconds\":%.3f,\"bytes\":%lld,\"events\":%lld,"
           "\"p50\":%.1f,\"p99\":%.1f,\"first_p50\":%.1f,\"first_p99\":%.1f}\n",
           requests, errors, seconds, bytes, events, percentile(whole_times, 0.50), percentile(whole_times, 0.99),
           percentile(first_times, 0.50), percentile(first_times, 0.99));
    return 0;
}
