// What the thread sanitizer must be told of Swift's Mutex on Linux, and nothing in any other build.
//
// Where a mutex is free, locking is an atomic operation inlined into the caller, which the sanitizer sees.
// Where it is not, the caller waits in libswiftSynchronization, which is built without the sanitizer: it
// would hold everything behind such a wait for unsynchronised. So the two functions that wait stand here,
// call the library's, and say what they do. They are Swift methods of Synchronization._MutexHandle,
// whose word lies at the handle's start.

#define _GNU_SOURCE
#include "CThreadSanitizer.h"

#if defined(__linux__) && defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

void __tsan_acquire(void *address);
void __tsan_release(void *address);

SWIFT void loxeval_lock(uint32_t thread, SELF void *handle) __asm__(LOCK);
SWIFT void loxeval_unlock(SELF void *handle) __asm__(UNLOCK);

static SWIFT void (*lock)(uint32_t thread, SELF void *handle);
static SWIFT void (*unlock)(SELF void *handle);

__attribute__((constructor)) static void find(void) {
  lock = dlsym(RTLD_NEXT, LOCK);
  unlock = dlsym(RTLD_NEXT, UNLOCK);
  if (!lock || !unlock) abort();
}

SWIFT void loxeval_lock(uint32_t thread, SELF void *handle) {
  lock(thread, handle);
  __tsan_acquire(handle);
}

SWIFT void loxeval_unlock(SELF void *handle) {
  __tsan_release(handle);
  unlock(handle);
}
#endif
#endif
