/* SPDX-License-Identifier: MIT */
#include "link/background.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

struct closing {
	void (*close)(void *object);
	void *object;
	void (*closed)(void *context);
	void *context;
};

static void *close_it(void *argument)
{
	struct closing closing = *(struct closing *)argument;
	free(argument);
	closing.close(closing.object);
	closing.closed(closing.context);
	return NULL;
}

void background_close(void (*close)(void *object), void *object, void (*closed)(void *context), void *context)
{
	struct closing *closing = memory_new(sizeof *closing);
	pthread_t thread;
	*closing = (struct closing){ close, object, closed, context };
	if (pthread_create(&thread, NULL, close_it, closing))
		free(closing);
	else
		pthread_detach(thread);
}
