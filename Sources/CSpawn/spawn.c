#define _GNU_SOURCE
#include "CSpawn.h"

#include <signal.h>
#include <spawn.h>

extern char **environ;

int loxeval_spawn_shell(
    const char *script, const char *name, const char *argument, int input, int output,
    pid_t *process) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  int code = posix_spawn_file_actions_init(&actions);
  if (code) return code;
  code = posix_spawnattr_init(&attributes);
  if (code) {
    posix_spawn_file_actions_destroy(&actions);
    return code;
  }
  sigemptyset(&none);
  sigfillset(&all);
  char *const arguments[] = {
      "/bin/sh", "-c", (char *)script, (char *)name, (char *)argument, NULL};
  (code = posix_spawn_file_actions_adddup2(&actions, input, 0)) ||
      (code = posix_spawn_file_actions_adddup2(&actions, output, 1)) ||
      (code = posix_spawn_file_actions_adddup2(&actions, output, 2)) ||
      (code = posix_spawn_file_actions_addclosefrom_np(&actions, 3)) ||
      (code = posix_spawnattr_setsigmask(&attributes, &none)) ||
      (code = posix_spawnattr_setsigdefault(&attributes, &all)) ||
      (code = posix_spawnattr_setpgroup(&attributes, 0)) ||
      (code = posix_spawnattr_setflags(
           &attributes,
           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) ||
      (code = posix_spawn(process, "/bin/sh", &actions, &attributes, arguments, environ));
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return code;
}
