#ifndef LOXEVAL_COPENBLAS_SHIM_H
#define LOXEVAL_COPENBLAS_SHIM_H

// LAPACKE's C complex types are not needed and do not import into Swift.
#define lapack_complex_float void *
#define lapack_complex_double void *

#include <cblas.h>
#include <lapacke.h>

#endif
