#ifndef LOXEVAL_CMAPPING_H
#define LOXEVAL_CMAPPING_H

#include <stddef.h>

/// Remembers that a file is mapped, so that a page of it that cannot be read (the file was cut short,
/// or its disk failed) ends the process with a sentence and status 2 instead of SIGBUS alone.
///
/// The first call sets the signal's handler. May be called by several threads at once.
///
/// Returns what to forget the mapping by, or NULL where there is no memory for it.
void *loxeval_mapping_remember(const void *base, size_t count, const char *path);

/// Forgets a mapping, before it is unmapped.
void loxeval_mapping_forget(void *mapping);

/// Opens a file for reads that go past the system's cache: of whole blocks, into memory aligned like them.
///
/// Returns the descriptor, or -1 where the file or its file system cannot be read so.
int loxeval_open_uncached(const char *path);

/// Opens a file that is there for writes that go past the system's cache, of whole blocks, from memory aligned like
/// them, and reserves so many bytes for it where the file system can, so that writes need not take turns.
///
/// Returns the descriptor, or -1 where the file or its file system cannot be written so.
int loxeval_open_uncached_for_writing(const char *path, long long size);

/// How many of a range of pages are in memory, or -1 where the system does not say.
long loxeval_resident_pages(const void *base, size_t pages);

/// Whether a folder lies in a file system of this machine alone, so that its locks reach all who write there; 0 where
/// that is not known.
int loxeval_is_local(const char *path);

#endif
