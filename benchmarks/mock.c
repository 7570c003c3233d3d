/* A mock upstream: one process, one thread, epoll. Speaks HTTP/1.1 with keep-alive, plain and TLS, and answers as an
 * OpenAI Chat or an Anthropic Messages server would.
 *
 *   mock PORT [TLS_PORT CERTIFICATE KEY]
 *
 * The path chooses the protocol (…/messages is Anthropic, anything else is Chat). The request's model chooses the
 * answer; the body says "stream":true or not, and a unary answer is one JSON document of about 1.1 kB:
 *
 *   burst-N         N events, back to back, every event its own write
 *   paced-N-MS      N events, one every MS milliseconds
 *   hold            one event, and then silence until the connection ends
 *   large-BYTES     a unary answer with a text of that many bytes
 */
#include "wire.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

enum { TICK_MS = 5, READ_SIZE = 262144 };

struct connection {
    int fd;
    SSL *ssl;
    int shaken;
    struct buffer in, out;
    size_t sent;
    int anthropic;
    long left;         /* events to send */
    long sequence;     /* events sent */
    long period, due;  /* ticks between events, ticks until the next */
    int held;
    struct connection *next, *previous; /* list of paced connections */
    int paced;
};

static struct connection *paced;
static int poller;
static struct connection listener_plain, listener_tls, ticker;
static SSL_CTX *context;
static char *scratch;

static const char SENTENCE[] =
    "The quick brown fox jumps over the lazy dog, and the gateway carries every word of it from one side to the other. ";

static void want(struct connection *c, int writing) {
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void unpace(struct connection *c) {
    if (!c->paced) return;
    if (c->previous) c->previous->next = c->next; else paced = c->next;
    if (c->next) c->next->previous = c->previous;
    c->paced = 0;
}

static void finish(struct connection *c) {
    unpace(c);
    if (c->ssl) SSL_free(c->ssl);
    close(c->fd);
    free(c->in.data);
    free(c->out.data);
    free(c);
}

static ssize_t push(struct connection *c, const char *data, size_t size) {
    if (!c->ssl) return send(c->fd, data, size, MSG_NOSIGNAL);
    ERR_clear_error(); /* another connection's error would be taken for this one's */
    int done = SSL_write(c->ssl, data, (int)(size > 16384 ? 16384 : size));
    if (done > 0) return done;
    int why = SSL_get_error(c->ssl, done);
    errno = why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? EAGAIN : EPIPE;
    return -1;
}

/* Writes what waits. Returns -1 when the connection is gone. */
static int flush(struct connection *c) {
    while (c->sent < c->out.size) {
        ssize_t done = push(c, c->out.data + c->sent, c->out.size - c->sent);
        if (done < 0) {
            if (errno != EAGAIN) return -1;
            want(c, 1);
            return 0;
        }
        c->sent += (size_t)done;
    }
    c->sent = c->out.size = 0;
    return 0;
}

/* Sends a piece at once, as a write of its own. */
static int emit(struct connection *c, const char *data, size_t size) {
    append(&c->out, data, size);
    return flush(c);
}

static int emit_chunk(struct connection *c, const char *text, size_t size) {
    char chunk[4096];
    int length = snprintf(chunk, sizeof chunk, "%zx\r\n%.*s\r\n", size, (int)size, text);
    return emit(c, chunk, (size_t)length);
}

static int emit_event(struct connection *c) {
    char text[2048];
    int size;
    if (c->anthropic)
        size = snprintf(text, sizeof text,
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
            "{\"type\":\"text_delta\",\"text\":\"word %06ld of the answer that the upstream gives \"}}\n\n", c->sequence);
    else
        size = snprintf(text, sizeof text,
            "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,"
            "\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word %06ld of the answer\"},"
            "\"logprobs\":null,\"finish_reason\":null}]}\n\n", c->sequence);
    c->sequence++;
    c->left--;
    return emit_chunk(c, text, (size_t)size);
}

static const char CHAT_START[] =
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"bench\","
    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";
static const char CHAT_END[] =
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"bench\","
    "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
    "\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":100,\"total_tokens\":120}}\n\ndata: [DONE]\n\n";
static const char ANTHROPIC_START[] =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bench\",\"type\":\"message\","
    "\"role\":\"assistant\",\"model\":\"bench\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
    "\"usage\":{\"input_tokens\":20,\"output_tokens\":1}}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
static const char ANTHROPIC_END[] =
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
    "\"stop_sequence\":null},\"usage\":{\"output_tokens\":100}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

static int end_stream(struct connection *c) {
    unpace(c);
    const char *end = c->anthropic ? ANTHROPIC_END : CHAT_END;
    if (emit_chunk(c, end, strlen(end)) < 0) return -1;
    return emit(c, "0\r\n\r\n", 5);
}

static int answer_unary(struct connection *c, size_t text_size) {
    struct buffer body = {0};
    char piece[1024];
    int size;
    if (c->anthropic)
        size = snprintf(piece, sizeof piece,
            "{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\",\"content\":"
            "[{\"type\":\"text\",\"text\":\"");
    else
        size = snprintf(piece, sizeof piece,
            "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1790000000,\"model\":\"bench\","
            "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"");
    append(&body, piece, (size_t)size);
    for (size_t written = 0; written < text_size;) {
        size_t part = sizeof SENTENCE - 1;
        if (part > text_size - written) part = text_size - written;
        append(&body, SENTENCE, part);
        written += part;
    }
    if (c->anthropic)
        size = snprintf(piece, sizeof piece,
            "\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
            "\"usage\":{\"input_tokens\":20,\"output_tokens\":180}}");
    else
        size = snprintf(piece, sizeof piece,
            "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
            "\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":180,\"total_tokens\":200},"
            "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_bench\"}");
    append(&body, piece, (size_t)size);
    size = snprintf(piece, sizeof piece,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n"
        "date: Tue, 01 Sep 2026 12:00:00 GMT\r\nx-request-id: req_bench\r\nserver: mock\r\n\r\n", body.size);
    append(&c->out, piece, (size_t)size);
    append(&c->out, body.data, body.size);
    free(body.data);
    return flush(c);
}

static int answer(struct connection *c, const char *head_end, const char *body, size_t size) {
    const char *line_end = memchr(c->in.data, '\r', (size_t)(head_end - c->in.data));
    c->anthropic = memmem(c->in.data, (size_t)(line_end - c->in.data), "/messages", 9) != NULL;
    const char *model = memmem(body, size, "\"model\":\"", 9);
    int streams = memmem(body, size, "\"stream\":true", 13) != NULL;
    long count = 100, period = 0;
    size_t text = 800;
    if (model != NULL) {
        model += 9;
        if (strncmp(model, "hold", 4) == 0) { count = 1; c->held = 1; }
        else if (sscanf(model, "paced-%ld-%ld", &count, &period) == 2) {}
        else if (sscanf(model, "large-%zu", &text) == 1) {}
        else sscanf(model, "burst-%ld", &count);
    }
    if (!streams) { c->held = 0; return answer_unary(c, text); }
    static const char head[] =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n"
        "cache-control: no-cache\r\ndate: Tue, 01 Sep 2026 12:00:00 GMT\r\nx-request-id: req_bench\r\n\r\n";
    const char *start = c->anthropic ? ANTHROPIC_START : CHAT_START;
    if (emit(c, head, sizeof head - 1) < 0 || emit_chunk(c, start, strlen(start)) < 0) return -1;
    c->left = count;
    c->sequence = 0;
    if (period > 0) {
        c->period = c->due = period / TICK_MS;
        c->paced = 1;
        c->previous = NULL;
        c->next = paced;
        if (paced) paced->previous = c;
        paced = c;
        return 0;
    }
    while (c->left > 0)
        if (emit_event(c) < 0) return -1;
    return c->held ? 0 : end_stream(c);
}

/* Answers the requests that are complete. Returns -1 when the connection is gone. */
static int serve(struct connection *c) {
    while (c->in.size > 0) {
        char *blank = memmem(c->in.data, c->in.size, "\r\n\r\n", 4);
        if (blank == NULL) return 0;
        const char *value = header_value(c->in.data, blank + 2, "content-length");
        size_t length = value ? strtoul(value, NULL, 10) : 0;
        size_t whole = (size_t)(blank + 4 - c->in.data) + length;
        if (c->in.size < whole) return 0;
        if (answer(c, blank + 2, blank + 4, length) < 0) return -1;
        memmove(c->in.data, c->in.data + whole, c->in.size - whole);
        c->in.size -= whole;
    }
    return 0;
}

static int receive(struct connection *c) {
    if (c->ssl && !c->shaken) {
        ERR_clear_error();
        int done = SSL_accept(c->ssl);
        if (done != 1) {
            int why = SSL_get_error(c->ssl, done);
            return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
        }
        c->shaken = 1;
    }
    for (;;) {
        ssize_t got;
        if (c->ssl) {
            ERR_clear_error();
            got = SSL_read(c->ssl, scratch, READ_SIZE);
            if (got <= 0) {
                int why = SSL_get_error(c->ssl, (int)got);
                return why == SSL_ERROR_WANT_READ ? serve(c) : -1;
            }
        } else {
            got = recv(c->fd, scratch, READ_SIZE, 0);
            if (got == 0) return -1;
            if (got < 0) return errno == EAGAIN ? serve(c) : -1;
        }
        append(&c->in, scratch, (size_t)got);
        if (!c->ssl && got < READ_SIZE) return serve(c);
    }
}

static void tick(void) {
    uint64_t fired;
    if (read(ticker.fd, &fired, sizeof fired) < 0) return;
    for (struct connection *c = paced, *next; c != NULL; c = next) {
        next = c->next;
        c->due -= (long)fired;
        if (c->due > 0) continue;
        c->due = c->period;
        if (emit_event(c) < 0 || (c->left <= 0 && end_stream(c) < 0)) {
            /* Not freed here: the events at hand may hold it. The poller reports it once more. */
            unpace(c);
            shutdown(c->fd, SHUT_RDWR);
        }
    }
}

static void watch(struct connection *c) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) < 0) die("epoll_ctl");
}

static void open_listener(struct connection *c, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(c->fd, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
    if (listen(c->fd, 4096) < 0) die("listen");
    set_nonblocking(c->fd);
    watch(c);
}

static void take(struct connection *listener) {
    int fd;
    while ((fd = accept(listener->fd, NULL, NULL)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        set_nonblocking(fd);
        set_no_delay(fd);
        if (listener == &listener_tls) {
            c->ssl = SSL_new(context);
            SSL_set_fd(c->ssl, fd);
            SSL_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        }
        watch(c);
    }
}

int main(int argc, char **argv) {
    if (argc != 2 && argc != 5) {
        fprintf(stderr, "usage: mock PORT [TLS_PORT CERTIFICATE KEY]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    scratch = malloc(READ_SIZE);
    poller = epoll_create1(0);
    open_listener(&listener_plain, atoi(argv[1]));
    if (argc == 5) {
        context = SSL_CTX_new(TLS_server_method());
        if (SSL_CTX_use_certificate_chain_file(context, argv[3]) != 1 ||
            SSL_CTX_use_PrivateKey_file(context, argv[4], SSL_FILETYPE_PEM) != 1) {
            ERR_print_errors_fp(stderr);
            return 1;
        }
        open_listener(&listener_tls, atoi(argv[2]));
    }
    ticker.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec every = {{0, TICK_MS * 1000000}, {0, TICK_MS * 1000000}};
    timerfd_settime(ticker.fd, 0, &every, NULL);
    watch(&ticker);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (c == &ticker) tick();
            else if (c == &listener_plain || c == &listener_tls) take(c);
            else {
                int gone = 0;
                if (events[i].events & EPOLLOUT) {
                    gone = flush(c) < 0;
                    if (!gone && c->out.size == 0) want(c, 0);
                }
                if (!gone && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) gone = receive(c) < 0;
                if (gone) finish(c);
            }
        }
    }
}
