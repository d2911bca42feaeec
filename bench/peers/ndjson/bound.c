// The bound of the NDJSON job: one thread, the file in memory, a parser that knows the fields' order, one hash table.
// Usage: bound FILE… prints the number of groups and the sum of their totals.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct group { uint64_t key; int64_t count; double total; };
static struct group *table;
static size_t mask, used;

static struct group *find(uint64_t key) {
  size_t at = (key * 0x9E3779B97F4A7C15u >> 17) & mask;
  while (table[at].count && table[at].key != key) at = (at + 1) & mask;
  return &table[at];
}

static void grow(void) {
  struct group *old = table;
  size_t size = old ? mask + 1 : 0;
  mask = size ? size * 2 - 1 : (1 << 20) - 1;
  table = calloc(mask + 1, sizeof *table);
  for (size_t i = 0; i < size; i++)
    if (old[i].count) *find(old[i].key) = old[i];
  free(old);
}

static const char *number(const char *p, int64_t *value) {
  while (*p < '0' || *p > '9') p++;
  int64_t n = 0;
  for (; *p >= '0' && *p <= '9'; p++) n = n * 10 + (*p - '0');
  *value = n;
  return p;
}

int main(int argc, char **argv) {
  grow();
  for (int i = 1; i < argc; i++) {
    struct stat info;
    int fd = open(argv[i], O_RDONLY);
    if (fd < 0 || fstat(fd, &info)) { perror(argv[i]); return 1; }
    const char *p = mmap(NULL, info.st_size + 1, PROT_READ, MAP_PRIVATE, fd, 0), *end = p + info.st_size;
    while (p < end) {
      int64_t user, item, whole, cents, ts;
      p = number(p, &user);
      p = number(p, &item);
      p = number(p, &whole);
      p = number(p, &cents);
      p = number(p, &ts);
      while (*p++ != '\n') {}
      double amount = whole + cents / 100.0;
      if (amount <= 10) continue;
      struct group *g = find((uint64_t)(ts / 10000) << 20 | (uint64_t)item);
      if (!g->count) {
        g->key = (uint64_t)(ts / 10000) << 20 | (uint64_t)item;
        if (++used * 2 > mask) { g->count = 1; g->total = amount; grow(); continue; }
      }
      g->count++;
      g->total += amount;
    }
  }
  double total = 0;
  for (size_t i = 0; i <= mask; i++) total += table[i].total;
  printf("%zu groups, %.2f\n", used, total);
  return 0;
}
