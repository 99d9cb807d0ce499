/* SPDX-License-Identifier: MIT */
#include "mlp.h"

#include <math.h>
#include <string.h>

#include <cblas.h>

#define REAL float
#define NAME(function) mlp32_##function
#define GEMM cblas_sgemm
#define EXP expf
#include "mlp_body.h"
#undef REAL
#undef NAME
#undef GEMM
#undef EXP

#define REAL double
#define NAME(function) mlp64_##function
#define GEMM cblas_dgemm
#define EXP exp
#include "mlp_body.h"
