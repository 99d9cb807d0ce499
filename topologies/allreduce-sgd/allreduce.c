/* SPDX-License-Identifier: MIT */
#include "allreduce.h"

LPAD_MODULE(
	{ .name = "driver", .help = "starts the tasks, brings a worker back, compares with serial SGD", .state = sizeof(struct driver),
	  .params = driver_params, .handles = driver_handles, .run = drive },
	{ .name = "worker", .help = "computes gradients, owns a slice of the weights", .state = sizeof(struct worker), .service = true,
	  .params = worker_params, .handles = worker_handles, .methods = worker_methods, .check = work_check, .init = work_init,
	  .run = work, .fini = work_fini },
	{ .name = "server", .help = "owns all weights, computes no gradient", .state = sizeof(struct worker), .service = true,
	  .params = server_params, .handles = server_handles, .methods = worker_methods, .check = work_check, .init = work_init,
	  .run = work, .fini = work_fini });
