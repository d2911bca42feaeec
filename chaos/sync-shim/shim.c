/* Preloaded beside LogStress: no append may be acknowledged before an fdatasync or fsync that began after its last write to the
 * write-ahead log returned.
 *
 * How it knows: an append's first record is MAGIC and its number (8 bytes, little-endian, XOR MASK) and does not compress, so its number is seen in
 * the pages written to a file named *-wal. A transaction's last write is the page after a frame header (24 bytes) whose second word is not
 * zero: with it the transaction's numbers get its serial. A sync notes the last serial when it begins and, when it has returned 0, makes
 * all up to there durable. `ack NUMBER …` on standard output must name a number whose serial is durable; else the shim says VIOLATION and
 * ends the process with 97. At exit it prints what it saw.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBERS_MAX (1u << 24)
#define MASK 0x9E3779B97F4A7C15u
static const unsigned char MAGIC[8] = {0xD7, 0x1A, 0xC9, 0x5E, 0x83, 0xF0, 0x3B, 0x96};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *serial_of; /* by number: the transaction it was first written in; 0 = not seen, UNFINISHED = no commit frame yet */
#define UNFINISHED UINT64_MAX
static uint64_t pending[1 << 16];
static size_t pending_count;
static int is_commit_page_next;
static uint64_t serial, durable, syncs, acknowledgements;

static ssize_t (*real_pwrite64)(int, const void *, size_t, off64_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);

__attribute__((constructor)) static void start(void) {
    real_pwrite64 = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    serial_of = calloc(NUMBERS_MAX, sizeof *serial_of);
    if (!serial_of) abort();
}

__attribute__((destructor)) static void finish(void) {
    fprintf(stderr, "sync-shim: %llu acknowledgements checked, %llu transactions, %llu syncs of the write-ahead log\n",
            (unsigned long long)acknowledgements, (unsigned long long)serial, (unsigned long long)syncs);
}

static void violation(uint64_t number, const char *what) {
    char text[160];
    int length = snprintf(text, sizeof text, "sync-shim: VIOLATION: append %llu was acknowledged %s\n", (unsigned long long)number, what);
    real_write(2, text, length);
    _exit(97);
}

static int is_wal(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    return length >= 4 && memcmp(path + length - 4, "-wal", 4) == 0;
}

static void wrote(const unsigned char *bytes, size_t size) {
    pthread_mutex_lock(&lock);
    if (size == 24) {
        is_commit_page_next = (bytes[4] | bytes[5] | bytes[6] | bytes[7]) != 0;
    } else if (size >= 512) {
        const unsigned char *at = bytes, *end = bytes + size;
        while ((at = memmem(at, end - at, MAGIC, sizeof MAGIC)) != NULL && end - at >= 16) {
            uint64_t number;
            memcpy(&number, at + 8, sizeof number);
            number ^= MASK;
            at += 16;
            if (number >= NUMBERS_MAX || serial_of[number] != 0) continue;
            if (pending_count == sizeof pending / sizeof *pending) abort();
            serial_of[number] = UNFINISHED;
            pending[pending_count++] = number;
        }
        if (is_commit_page_next) {
            serial++;
            for (size_t i = 0; i < pending_count; i++) serial_of[pending[i]] = serial;
            pending_count = 0;
            is_commit_page_next = 0;
        }
    }
    pthread_mutex_unlock(&lock);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
    ssize_t done = real_pwrite64(fd, bytes, size, offset);
    if (done == (ssize_t)size && is_wal(fd)) wrote(bytes, size);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) { return pwrite64(fd, bytes, size, offset); }

ssize_t write(int fd, const void *bytes, size_t size) {
    unsigned long long number;
    char text[32] = {0};
    if (fd == 1 && size > 4 && memcmp(bytes, "ack ", 4) == 0) {
        memcpy(text, bytes, size < sizeof text - 1 ? size : sizeof text - 1);
        if (sscanf(text, "ack %llu", &number) == 1 && number < NUMBERS_MAX) {
            pthread_mutex_lock(&lock);
            uint64_t written = serial_of[number], safe = durable;
            acknowledgements++;
            pthread_mutex_unlock(&lock);
            if (written == 0) violation(number, "but never seen in the write-ahead log");
            if (written == UNFINISHED) violation(number, "before its transaction was written");
            if (written > safe) violation(number, "before a sync that began after its last write had returned");
        }
    }
    return real_write(fd, bytes, size);
}

static int synced(int fd, int (*real)(int)) {
    int wal = is_wal(fd);
    pthread_mutex_lock(&lock);
    uint64_t begun = serial;
    pthread_mutex_unlock(&lock);
    int result = real(fd);
    if (wal && result == 0) {
        pthread_mutex_lock(&lock);
        syncs++;
        if (begun > durable) durable = begun;
        pthread_mutex_unlock(&lock);
    }
    return result;
}

int fdatasync(int fd) { return synced(fd, real_fdatasync); }

int fsync(int fd) { return synced(fd, real_fsync); }
