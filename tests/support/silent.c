/* Preloaded into a process, it refuses every connection and every look-up of a name, and writes each of them down in the
 * file that SILENT_LOG names; so does it with a socket that listens elsewhere than on loopback. Sockets with a path in the
 * file system are left alone. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *what, const char *whom) {
    const char *path = getenv("SILENT_LOG");
    if (path == NULL) return;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return;
    char line[512];
    int length = snprintf(line, sizeof line, "%s %s\n", what, whom);
    if (write(file, line, (size_t)length) < 0) _exit(70);
    close(file);
}

/* The address in words, or NULL where it is none of the internet. */
static const char *spoken(const struct sockaddr *address, char *text, socklen_t size) {
    if (address == NULL) return NULL;
    if (address->sa_family == AF_INET) return inet_ntop(AF_INET, &((struct sockaddr_in *)address)->sin_addr, text, size);
    if (address->sa_family == AF_INET6) return inet_ntop(AF_INET6, &((struct sockaddr_in6 *)address)->sin6_addr, text, size);
    return NULL;
}

static int refused(const char *what, const struct sockaddr *address) {
    char text[INET6_ADDRSTRLEN];
    const char *whom = spoken(address, text, sizeof text);
    if (whom == NULL) return 0;
    note(what, whom);
    errno = ENETUNREACH;
    return 1;
}

int connect(int fd, const struct sockaddr *address, socklen_t size) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    return refused("connect", address) ? -1 : real(fd, address, size);
}

ssize_t sendto(int fd, const void *data, size_t length, int flags, const struct sockaddr *address, socklen_t size) {
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    return refused("sendto", address) ? -1 : real(fd, data, length, flags, address, size);
}

int bind(int fd, const struct sockaddr *address, socklen_t size) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    char text[INET6_ADDRSTRLEN];
    const char *whom = spoken(address, text, sizeof text);
    if (whom != NULL && strncmp(whom, "127.", 4) != 0 && strcmp(whom, "::1") != 0) note("bind", whom);
    return real(fd, address, size);
}

/* An address in figures is no question to anybody. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    struct in6_addr ignored;
    if (node == NULL || inet_pton(AF_INET, node, &ignored) == 1 || inet_pton(AF_INET6, node, &ignored) == 1)
        return real(node, service, hints, found);
    note("getaddrinfo", node);
    return EAI_FAIL;
}

struct hostent *gethostbyname(const char *name) {
    note("gethostbyname", name);
    return NULL;
}
