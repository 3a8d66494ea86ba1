#ifndef LOXEVAL_COPENBLAS_SHIM_H
#define LOXEVAL_COPENBLAS_SHIM_H

// LAPACKE's C complex types are not needed and do not import into Swift.
#define lapack_complex_float void *
#define lapack_complex_double void *

#include <cblas.h>
#include <lapacke.h>

/// Of builds with threads of their own; others lack it.
int blas_thread_shutdown_(void) __attribute__((weak));

/// Ends OpenBLAS's threads.
static inline void loxeval_end_blas_threads(void) {
  if (blas_thread_shutdown_) blas_thread_shutdown_();
}

#endif
