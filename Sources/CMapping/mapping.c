#define _GNU_SOURCE
#include "CMapping.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__linux__)
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif
#include <unistd.h>

/// A mapped range. Nodes are never freed, so that the handler can walk them at any time; one that was
/// forgotten is used again.
struct mapping {
  /// 0 while nothing is mapped.
  _Atomic uintptr_t base;
  _Atomic size_t count;
  /// The file's path as a terminal may show it.
  _Atomic(char *) path;
  struct mapping *next;
};

static _Atomic(struct mapping *) first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous;
static int is_terminal;

/// Only calls that are safe in a handler. What the system does with the text cannot be helped.
static void tell(const char *text) {
  ssize_t written = write(STDERR_FILENO, text, strlen(text));
  (void)written;
}

static void handle(int number, siginfo_t *information, void *context) {
  (void)context;
  // A signal that a process sent has no address.
  int is_fault = information->si_code > 0;
  uintptr_t address = is_fault ? (uintptr_t)information->si_addr : 0;
  for (struct mapping *mapping = atomic_load(&first); mapping; mapping = mapping->next) {
    uintptr_t base = atomic_load(&mapping->base);
    if (base == 0 || address < base || address - base >= atomic_load(&mapping->count)) continue;
    // A progress bar may stand on the line.
    if (is_terminal) tell("\n");
    tell("loxeval: error: ");
    tell(atomic_load(&mapping->path));
    tell(": the file was cut short, or its disk failed, while it was being read; copy or download "
         "it again, let nothing write to it meanwhile, and start again\n");
    _exit(2);
  }
  // Not ours: the instruction runs again, or the signal comes again, and meets whoever was here before.
  sigaction(number, &previous, NULL);
  if (!is_fault) raise(number);
}

static void install(void) {
  is_terminal = isatty(STDERR_FILENO);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous);
}

void *loxeval_mapping_remember(const void *base, size_t count, const char *path) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  char *shown = strdup(path);
  if (!shown) return NULL;
  for (char *character = shown; *character; character++)
    if ((unsigned char)*character < 0x20 || *character == 0x7f) *character = '?';

  pthread_mutex_lock(&lock);
  struct mapping *mapping = atomic_load(&first);
  while (mapping && atomic_load(&mapping->base) != 0) mapping = mapping->next;
  if (mapping) {
    free(atomic_load(&mapping->path));
  } else if ((mapping = calloc(1, sizeof *mapping))) {
    mapping->next = atomic_load(&first);
    atomic_store(&first, mapping);
  }
  if (mapping) {
    atomic_store(&mapping->path, shown);
    atomic_store(&mapping->count, count);
    atomic_store(&mapping->base, (uintptr_t)base);
  } else {
    free(shown);
  }
  pthread_mutex_unlock(&lock);
  return mapping;
}

void loxeval_mapping_forget(void *pointer) {
  struct mapping *mapping = pointer;
  if (mapping) atomic_store(&mapping->base, 0);
}

int loxeval_open_uncached(const char *path) {
#if defined(O_DIRECT)
  // Without waiting for a writer, should a pipe stand there.
  return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_DIRECT);
#else
  (void)path;
  return -1;
#endif
}

int loxeval_open_uncached_for_writing(const char *path, long long size) {
#if defined(O_DIRECT) && defined(__linux__)
  const int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_DIRECT);
  // Without it all works too: a disk that is full says so later.
  if (descriptor >= 0) (void)fallocate(descriptor, 0, 0, size);
  return descriptor;
#else
  (void)path;
  (void)size;
  return -1;
#endif
}

long loxeval_resident_pages(const void *base, size_t pages) {
#if defined(__linux__)
  enum { at_a_time = 4096 };
  unsigned char found[at_a_time];
  const size_t size = (size_t)sysconf(_SC_PAGESIZE);
  long count = 0;
  for (size_t first = 0; first < pages; first += at_a_time) {
    const size_t some = pages - first < at_a_time ? pages - first : at_a_time;
    if (mincore((char *)base + first * size, some * size, found) != 0) return -1;
    for (size_t page = 0; page < some; page++) count += found[page] & 1;
  }
  return count;
#else
  (void)base;
  (void)pages;
  return -1;
#endif
}

int loxeval_is_local(const char *path) {
  struct statfs found;
  if (statfs(path, &found) != 0) return 0;
#if defined(__linux__)
  // Those that no two machines mount at once, of linux/magic.h.
  switch ((unsigned int)found.f_type) {
    case 0xEF53:      // ext2, ext3, ext4
    case 0x58465342:  // XFS
    case 0x9123683E:  // Btrfs
    case 0xF2F52010:  // F2FS
    case 0x2FC12FC1:  // ZFS
    case 0xCA451A4E:  // bcachefs
    case 0x01021994:  // tmpfs
    case 0x794C7630:  // overlayfs
      return 1;
    default:
      return 0;
  }
#else
  return (found.f_flags & MNT_LOCAL) != 0;
#endif
}
