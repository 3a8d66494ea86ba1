#ifndef LOXEVAL_KERNELS_H
#define LOXEVAL_KERNELS_H

#endif
