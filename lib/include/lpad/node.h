/* SPDX-License-Identifier: MIT */
/*
 * lpad/node.h - all that a node's author includes. C11 and C++20, standard headers only;
 * a module links with nothing of lpad. The contract in prose: lpad-node(3).
 *
 * Life:      check (in `lpad check`, and again in the node), then init, run, fini on one thread.
 * Threads:   `run` has a thread of its own; callbacks of methods and subscriptions run on the
 *            node's one service thread, one after the other; a method with .threads = N has N
 *            threads of its own. Every function below may be called from any of them.
 * Ownership: what a call hands you is yours to free; what a callback gets is borrowed unless
 *            kept; a send takes its message whatever it returns (lpad_share keeps one).
 * Errors:    0 is success, a negative code is failure; lpad_error() is this thread's last text.
 * Waiting:   everything that can wait takes a deadline, ends with LPAD_ESTOPPED when the program
 *            stops, and never waits for the dead.
 * Fork:      a child of a node may only exec.
 */
#ifndef LPAD_NODE_H
#define LPAD_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LPAD_ABI_MAJOR 1        /* another major is refused */
#define LPAD_ABI_MINOR 2        /* grows with additions at the ends of the structs */

#ifdef __cplusplus
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"   /* g++: what a row leaves out is zero on purpose */
extern "C" {
#endif

/* ---- words ---- */

typedef struct lpad_node lpad_node;                     /* one replica, inside its process */
typedef struct lpad_handle lpad_handle;                 /* servers one may call: places 0 .. count-1 */
typedef struct lpad_topic lpad_topic;                   /* what one publishes */
typedef struct lpad_subscription lpad_subscription;     /* what one receives */
typedef struct lpad_inbox lpad_inbox;                   /* a method without a callback: `run` takes its calls */
typedef struct lpad_call lpad_call;                     /* one request being served */
typedef struct lpad_message lpad_message;               /* counted reference; read-only once sent */
typedef struct lpad_future lpad_future;                 /* one call under way, at the caller */

/* A point in time, or one of two special ones: a struct, so that a bare 5 does not compile. */
typedef struct { int64_t at; } lpad_deadline;

/* code, name, text. The one list of codes. */
#define LPAD_CODES(X) \
	X(-1, ESTOPPED, "the program is stopping") \
	X(-2, ELOST, "the server died with the call in flight; it may have been executed") \
	X(-3, ETIMEDOUT, "the deadline passed") \
	X(-4, EBUSY, "the queue is full") \
	X(-5, EINVALID, "not valid") \
	X(-6, EAGAIN, "not now; try again") \
	X(-7, EGONE, "the peer will never come back") \
	X(-8, EDEADLK, "the callers wait for each other in a circle") \
	X(-9, EENDED, "every publisher has ended") \
	X(-10, ECANCELLED, "the call was cancelled") \
	X(-11, ENOMETHOD, "no such method") \
	X(-12, EFAILED, "failed") \
	X(-13, ETOOBIG, "larger than max_message") \
	X(-14, ENOTFOUND, "not there") \
	X(-15, EBROKEN, "damaged or malformed") \
	X(-16, EIO, "input or output failed") \
	X(-17, EUNSUPPORTED, "not supported by this version")

enum {
	LPAD_OK = 0,
	LPAD_LATER = 1,         /* from a method's callback: the call is kept, or answered already */
#define LPAD_CODE_(code, name, text) LPAD_##name = code,
	LPAD_CODES(LPAD_CODE_)
#undef LPAD_CODE_
	LPAD_ANY = -1           /* as a place: the next in turn (round robin) */
};

/* ---- declarations: arrays of these end with LPAD_END; members are only ever added at the end ---- */

enum lpad_type {                /* bound member */
	LPAD_T_INT = 1,         /* int64_t */
	LPAD_T_REAL,            /* double */
	LPAD_T_BOOL,            /* bool */
	LPAD_T_TEXT,            /* const char * */
	LPAD_T_CHOICE,          /* int32_t, the place in the list of choices */
	LPAD_T_PATH,            /* const char *, absolute */
	LPAD_T_DURATION,        /* double, seconds */
	LPAD_T_SIZE,            /* int64_t, bytes */
	LPAD_T_LIST,            /* lpad_ints, lpad_reals or lpad_texts, by the element's type */
	LPAD_T_OBJECT,          /* a struct, see fields */
	LPAD_T_MAP              /* lpad_map: named structs, see fields */
};

/* Bound lists. The items live as long as the node. */
typedef struct { size_t count; const int64_t *at; } lpad_ints;          /* of int, size */
typedef struct { size_t count; const double *at; } lpad_reals;          /* of real, duration */
typedef struct { size_t count; const char *const *at; } lpad_texts;     /* of text, path */
/* A bound map of objects, in the file's order: names[i] belongs to the i-th struct at `at`. */
typedef struct { size_t count; const char *const *names; const void *at; } lpad_map;

typedef struct lpad_param {
	const char *name, *help;
	int32_t type, element;          /* enum lpad_type; element: a list's items */
	size_t into, room;              /* offset of the member in the state, and its size */
	const char *value;              /* default, as it would stand in the file; NULL: must be given */
	const char *range;              /* "1..", "0..1", "..10"; of a choice: "call topic cache"; NULL: any */
	const struct lpad_param *fields;/* of an object or a map's objects */
	size_t fields_size;             /* sizeof a map's object */
} lpad_param;

enum lpad_many { LPAD_ONE = 1, LPAD_OPTIONAL, LPAD_MANY };      /* one server; none or one; one or more */

typedef struct lpad_handle_decl {
	const char *name, *help;
	size_t into;                    /* an lpad_handle *; NULL there if not connected */
	int32_t many;                   /* enum lpad_many */
	const char *calls;              /* the methods it calls, "task weights" */
} lpad_handle_decl;

enum lpad_full { LPAD_WAIT = 0, LPAD_REFUSE = 1 };      /* a full queue: callers wait, or get LPAD_EBUSY */

typedef struct lpad_method {
	const char *name;
	int (*call)(lpad_node *, lpad_call *);          /* NULL: an inbox */
	size_t into;                                    /* of an inbox: an lpad_inbox * */
	const char *help;
	bool idempotent;                                /* may be executed again after a loss */
	int32_t threads;                                /* 0: the service thread */
	int32_t queue;                                  /* calls waiting at most; 0: no bound */
	int32_t full;                                   /* enum lpad_full */
	void (*gone)(lpad_node *, lpad_call *);         /* the caller of a kept call no longer waits */
	int (*held)(lpad_node *, lpad_call *, char *text, size_t room); /* why is it held: one sentence */
	int32_t batch;                                  /* up to so many calls as one; 0: no batches */
	double batch_wait;                              /* seconds the first of a batch waits for others */
	int32_t batches;                                /* batches at once */
	bool pad;                                       /* repeat the first request up to `batch` */
	const char *request, *reply;                    /* signatures, "obs f32[*,4], action i64[*]" */
} lpad_method;

typedef struct lpad_topic_decl {
	const char *name;
	size_t into;                    /* an lpad_topic *; never NULL: publishing without subscribers is fine */
	const char *help;
	const char *signature;
} lpad_topic_decl;

enum lpad_keep { LPAD_LATEST = -1, LPAD_ALL = -2 };     /* > 0: a queue of so many per publisher */

typedef struct lpad_subscription_decl {
	const char *name;
	int (*on)(lpad_node *, const lpad_message *);   /* NULL: `run` takes with lpad_take */
	size_t into;                                    /* then an lpad_subscription * */
	int32_t keep;                                   /* enum lpad_keep or a number; the edge may change it */
	const char *help;
	bool optional;
	const char *signature;
} lpad_subscription_decl;

typedef struct lpad_implementation {
	const char *name, *help;
	size_t state;                                   /* sizeof the state; it starts zeroed, 64-byte aligned */
	const lpad_param *params;
	const lpad_handle_decl *handles;
	const lpad_method *methods;
	const lpad_topic_decl *topics;
	const lpad_subscription_decl *subscriptions;
	int (*check)(lpad_node *);                      /* relations between params, ports, axes; no calls */
	int (*init)(lpad_node *);                       /* LPAD_EBROKEN: no policy starts it again */
	int (*run)(lpad_node *);                        /* 0 or LPAD_ESTOPPED: ended well; 1..125: exit code */
	void (*fini)(lpad_node *);
	bool service;                                   /* nobody waits for its run */
	/* A node that stands in front of another one: it offers the methods of the server behind the handle of this name too. Calls of
	   them go to `forward`, on the service thread. */
	const char *mirrors;
	int (*forward)(lpad_node *, lpad_call *);
} lpad_implementation;

/* ---- random numbers: splitmix64 (Steele, Lea, Flood 2014); Box-Muller for normals ---- */

typedef struct { uint64_t state; } lpad_rng;

static inline uint64_t lpad_random_bits(lpad_rng *rng)
{
	uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Uniform in (0, 1). */
static inline double lpad_random_real(lpad_rng *rng)
{
	return ((double)(lpad_random_bits(rng) >> 11) + 0.5) / 9007199254740992.0;
}

/* Uniform in 0 .. below-1, without bias; `below` > 0. */
static inline uint64_t lpad_random_below(lpad_rng *rng, uint64_t below)
{
	uint64_t most = UINT64_MAX - UINT64_MAX % below, bits;
	do
		bits = lpad_random_bits(rng);
	while (bits >= most);
	return bits % below;
}

/* ---- messages ---- */

enum lpad_kind { LPAD_BYTES = 1, LPAD_JSON, LPAD_TENSORS };

enum lpad_dtype {
	LPAD_BOOL8 = 1, LPAD_U8, LPAD_I8, LPAD_U16, LPAD_I16, LPAD_F16, LPAD_BF16,
	LPAD_U32, LPAD_I32, LPAD_F32, LPAD_U64, LPAD_I64, LPAD_F64
};

enum { LPAD_RANK = 8 };

typedef struct lpad_tensor {
	const char *name;
	int32_t type;                   /* enum lpad_dtype */
	int32_t rank;                   /* 0 .. LPAD_RANK */
	int64_t shape[LPAD_RANK];
} lpad_tensor;

/* ---- the host: what an lpad process offers a module; use the wrappers below ---- */

#if defined(__GNUC__)
#define LPAD_FORMAT_(at, first) __attribute__((format(printf, at, first)))
#else
#define LPAD_FORMAT_(at, first)
#endif

typedef struct lpad_host {
	uint32_t size, minor;
	const char *(*error)(void);
	const char *(*strerror)(int code);
	/* deadlines */
	lpad_deadline (*in)(double seconds);
	/* who am I */
	void *(*state)(lpad_node *);
	const char *(*name)(lpad_node *);
	const char *(*group)(lpad_node *);
	const char *(*run_id)(lpad_node *);
	const char *(*folder)(lpad_node *);
	int (*index)(lpad_node *);
	int (*replicas)(lpad_node *);
	int (*incarnation)(lpad_node *);
	int64_t (*seed)(lpad_node *);
	int (*coordinate)(lpad_node *, const char *axis);
	int (*extent)(lpad_node *, const char *axis);
	/* life */
	bool (*stopping)(lpad_node *);
	int (*wait_stop)(lpad_node *, lpad_deadline);
	int (*on_stop)(lpad_node *, void (*)(lpad_node *, void *), void *);
	int (*stop)(lpad_node *, int code, const char *why);
	int (*fail)(lpad_node *, const char *format, ...) LPAD_FORMAT_(2, 3);
	void (*log)(lpad_node *, const char *format, ...) LPAD_FORMAT_(2, 3);
	void (*report)(lpad_node *, const char *name, double value, int64_t step);
	lpad_rng (*random)(lpad_node *, const char *name);
	void (*lock)(lpad_node *);
	void (*unlock)(lpad_node *);
	/* messages */
	lpad_message *(*bytes)(const void *, size_t);
	lpad_message *(*json)(const char *);
	lpad_message *(*tensors)(int count, const lpad_tensor *);
	lpad_message *(*share)(const lpad_message *);
	void (*free)(const lpad_message *);
	int (*kind)(const lpad_message *);
	size_t (*length)(const lpad_message *);
	void *(*fill)(lpad_message *);
	void *(*data)(lpad_message *, const char *name);
	const void *(*body)(const lpad_message *, size_t expected);
	const char *(*json_text)(const lpad_message *);
	const void *(*view)(const lpad_message *, const char *name, int type, int rank, const int64_t *shape);
	int (*tensor_count)(const lpad_message *);
	int (*tensor_at)(const lpad_message *, int place, lpad_tensor *);
	int (*set_meta)(lpad_message *, const char *key, const char *value);
	const char *(*meta)(const lpad_message *, const char *key);
	int (*save)(const lpad_message *, const char *path);
	int (*load)(const char *path, lpad_message **);
	const char *(*sender)(const lpad_message *);
	int (*sender_index)(const lpad_message *);
	int (*sender_incarnation)(const lpad_message *);
	/* calling */
	int (*count)(const lpad_handle *);
	int (*place)(const lpad_handle *);
	const char *(*server)(const lpad_handle *, int place);
	int (*call_to)(lpad_handle *, int place, const char *method, lpad_message *, lpad_message **reply, lpad_deadline);
	lpad_future *(*start)(lpad_handle *, int place, const char *method, lpad_message *, lpad_deadline);
	int (*wait)(lpad_future *, lpad_message **reply);
	int (*wait_any)(lpad_future **, int count, lpad_deadline);
	int (*ready)(lpad_future *);
	void (*cancel)(lpad_future *);
	int (*await_server)(lpad_handle *, int place, lpad_deadline);
	int (*restart_server)(lpad_handle *, int place, const char *why);
	/* serving */
	const lpad_message *(*request)(const lpad_call *);
	const char *(*method)(const lpad_call *);
	const char *(*caller)(const lpad_call *);
	int (*caller_index)(const lpad_call *);
	int (*caller_incarnation)(const lpad_call *);
	int (*answer)(lpad_call *, lpad_message *);
	int (*refuse)(lpad_call *, int code, const char *format, ...) LPAD_FORMAT_(3, 4);
	int (*next)(lpad_inbox *, lpad_call **, lpad_deadline);
	int (*next_from)(lpad_inbox *, lpad_handle *, int place, lpad_call **, lpad_deadline);
	/* topics */
	int (*publish)(lpad_topic *, lpad_message *);
	int (*subscribers)(const lpad_topic *);
	int (*take)(lpad_subscription *, lpad_message **, lpad_deadline);
	int (*publishers)(const lpad_subscription *);
	/* from minor 1 on */
	int (*then)(lpad_future *, void (*done)(lpad_node *, lpad_future *, void *context), void *context);
	int (*methods)(const lpad_handle *, int place, const char *const **names);
	int (*idempotent)(const lpad_handle *, int place, const char *method);
	int (*batch)(const lpad_call *);
	int (*set_batch)(lpad_node *, const char *method, int size, double wait);
	const void *(*content)(const lpad_message *);
	/* from minor 2 on */
	void (*status)(lpad_node *, const char *name, const char *format, ...) LPAD_FORMAT_(3, 4);
} lpad_host;

/* One slot for all source files of a module (weak and hidden: the linker merges them, nothing is exported). */
__attribute__((weak, visibility("hidden"))) const lpad_host *lpad_host_;

/* ---- the one symbol that a module exports ---- */

typedef struct lpad_module_table {
	uint32_t abi_major, abi_minor;  /* these three never move */
	uint32_t size;                  /* of this table, as the author compiled it */
	uint32_t implementation_size, param_size, handle_size, method_size, topic_size, subscription_size;
	uint32_t count;                 /* implementations */
	const lpad_implementation *implementations;
	const lpad_host **host;         /* the slot that the host fills */
} lpad_module_table;

/* LPAD_MODULE({ .name = "worker", .state = sizeof(struct worker), ... }, { ... }) at the end of one source file. */
#define LPAD_MODULE(...) \
	static const lpad_implementation lpad_implementations_[] = { __VA_ARGS__ }; \
	LPAD_EXTERN_C_ __attribute__((visibility("default"))) const lpad_module_table lpad_module; \
	const lpad_module_table lpad_module = { \
		.abi_major = LPAD_ABI_MAJOR, .abi_minor = LPAD_ABI_MINOR, .size = (uint32_t)sizeof(lpad_module_table), \
		.implementation_size = (uint32_t)sizeof(lpad_implementation), .param_size = (uint32_t)sizeof(lpad_param), \
		.handle_size = (uint32_t)sizeof(lpad_handle_decl), .method_size = (uint32_t)sizeof(lpad_method), \
		.topic_size = (uint32_t)sizeof(lpad_topic_decl), .subscription_size = (uint32_t)sizeof(lpad_subscription_decl), \
		.count = (uint32_t)(sizeof lpad_implementations_ / sizeof lpad_implementations_[0]), \
		.implementations = lpad_implementations_, .host = &lpad_host_ }

#ifdef __cplusplus
} /* extern "C" */
template <class A, class B> struct lpad_same_;
template <class A> struct lpad_same_<A, A> { enum { zero = 0 }; };
#define LPAD_EXTERN_C_ extern "C"
template <bool> struct lpad_true_;
template <> struct lpad_true_<true> { enum { zero = 0 }; };
#define LPAD_MEMBER_(T, m, type) (offsetof(T, m) + lpad_same_<decltype(((T *)0)->m), type>::zero)
#define LPAD_STRUCT_(T, m) (offsetof(T, m) + lpad_true_<__is_class(decltype(((T *)0)->m))>::zero)
extern "C" {
#else
#define LPAD_EXTERN_C_ extern
#define LPAD_MEMBER_(T, m, type) (offsetof(T, m) + 0 * sizeof(char[ \
	__builtin_types_compatible_p(__typeof__(((T *)0)->m), type) ? 1 : -1]))     /* error here: the member has another type */
#define LPAD_STRUCT_(T, m) (offsetof(T, m) + 0 * sizeof(char[ \
	__builtin_classify_type(((T *)0)->m) == 12 ? 1 : -1]))                      /* error here: the member is no struct */
#endif

/*
 * Declaring. T is the state's type, m a member of it; the name is the member's, or the function's;
 * the ..._AS forms take another name first. Behind `help` may follow designators: .threads = 4.
 */
#define LPAD_END { .name = NULL }
#define LPAD_PARAM_(n, T, m, ctype, kind, of, v, r, h) \
	{ .name = n, .help = h, .type = kind, .element = of, .into = LPAD_MEMBER_(T, m, ctype), \
	  .room = sizeof(((T *)0)->m), .value = v, .range = r, .fields = NULL, .fields_size = 0 }
#define LPAD_INT(T, m, value, range, help) LPAD_PARAM_(#m, T, m, int64_t, LPAD_T_INT, 0, value, range, help)
#define LPAD_REAL(T, m, value, range, help) LPAD_PARAM_(#m, T, m, double, LPAD_T_REAL, 0, value, range, help)
#define LPAD_BOOL(T, m, value, help) LPAD_PARAM_(#m, T, m, bool, LPAD_T_BOOL, 0, value, NULL, help)
#define LPAD_TEXT(T, m, value, help) LPAD_PARAM_(#m, T, m, const char *, LPAD_T_TEXT, 0, value, NULL, help)
#define LPAD_CHOICE(T, m, value, choices, help) LPAD_PARAM_(#m, T, m, int32_t, LPAD_T_CHOICE, 0, value, choices, help)
#define LPAD_PATH(T, m, value, help) LPAD_PARAM_(#m, T, m, const char *, LPAD_T_PATH, 0, value, NULL, help)
#define LPAD_DURATION(T, m, value, range, help) LPAD_PARAM_(#m, T, m, double, LPAD_T_DURATION, 0, value, range, help)
#define LPAD_SIZE(T, m, value, range, help) LPAD_PARAM_(#m, T, m, int64_t, LPAD_T_SIZE, 0, value, range, help)
#define LPAD_INTS(T, m, value, range, help) LPAD_PARAM_(#m, T, m, lpad_ints, LPAD_T_LIST, LPAD_T_INT, value, range, help)
#define LPAD_REALS(T, m, value, range, help) LPAD_PARAM_(#m, T, m, lpad_reals, LPAD_T_LIST, LPAD_T_REAL, value, range, help)
#define LPAD_TEXTS(T, m, value, help) LPAD_PARAM_(#m, T, m, lpad_texts, LPAD_T_LIST, LPAD_T_TEXT, value, NULL, help)
#define LPAD_PATHS(T, m, value, help) LPAD_PARAM_(#m, T, m, lpad_texts, LPAD_T_LIST, LPAD_T_PATH, value, NULL, help)
/*
 * Structs within the state, up to 8 deep. `fields_` is an array of rows like these, of the struct's members, ending with LPAD_END:
 *     static const lpad_param limiter[] = { LPAD_INT(struct limiter, min_size, "1", "1..", "..."), LPAD_END };
 * An object that the file does not give has its fields' defaults. A map (the member is an lpad_map) must be given; LPAD_MAP_OR has
 * a default, as it would stand in the file: "{}" or "{main: {max_size: 1000}}". `type` is the struct of its objects.
 */
#define LPAD_OBJECT(T, m, fields_, help_) \
	{ .name = #m, .help = help_, .type = LPAD_T_OBJECT, .element = 0, .into = LPAD_STRUCT_(T, m), \
	  .room = sizeof(((T *)0)->m), .value = NULL, .range = NULL, .fields = fields_, .fields_size = 0 }
#define LPAD_MAP(T, m, type_, fields_, help_) LPAD_MAP_OR(T, m, type_, NULL, fields_, help_)
#define LPAD_MAP_OR(T, m, type_, value_, fields_, help_) \
	{ .name = #m, .help = help_, .type = LPAD_T_MAP, .element = 0, .into = LPAD_MEMBER_(T, m, lpad_map), \
	  .room = sizeof(lpad_map), .value = value_, .range = NULL, .fields = fields_, .fields_size = sizeof(type_) }
#define LPAD_HANDLE(T, m, many_, calls_, help_) LPAD_HANDLE_AS(#m, T, m, many_, calls_, help_)
#define LPAD_HANDLE_AS(n, T, m, many_, calls_, help_) \
	{ .name = n, .help = help_, .into = LPAD_MEMBER_(T, m, lpad_handle *), .many = many_, .calls = calls_ }
#define LPAD_METHOD(function, /* help */ ...) LPAD_METHOD_AS(#function, function, __VA_ARGS__)
#define LPAD_METHOD_AS(n, function, /* help */ ...) { .name = n, .call = function, .into = 0, .help = __VA_ARGS__ }
#define LPAD_INBOX(T, m, /* help */ ...) LPAD_INBOX_AS(#m, T, m, __VA_ARGS__)
#define LPAD_INBOX_AS(n, T, m, /* help */ ...) \
	{ .name = n, .call = NULL, .into = LPAD_MEMBER_(T, m, lpad_inbox *), .help = __VA_ARGS__ }
#define LPAD_TOPIC(T, m, /* help */ ...) LPAD_TOPIC_AS(#m, T, m, __VA_ARGS__)
#define LPAD_TOPIC_AS(n, T, m, /* help */ ...) \
	{ .name = n, .into = LPAD_MEMBER_(T, m, lpad_topic *), .help = __VA_ARGS__ }
#define LPAD_SUBSCRIPTION(T, m, keep_, /* help */ ...) LPAD_SUBSCRIPTION_AS(#m, T, m, keep_, __VA_ARGS__)
#define LPAD_SUBSCRIPTION_AS(n, T, m, keep_, /* help */ ...) \
	{ .name = n, .on = NULL, .into = LPAD_MEMBER_(T, m, lpad_subscription *), .keep = keep_, .help = __VA_ARGS__ }
#define LPAD_ON(function, keep_, /* help */ ...) LPAD_ON_AS(#function, function, keep_, __VA_ARGS__)
#define LPAD_ON_AS(n, function, keep_, /* help */ ...) \
	{ .name = n, .on = function, .into = 0, .keep = keep_, .help = __VA_ARGS__ }

/* ---- the functions a node calls ---- */

#define LPAD_SAY_(...) lpad_host_->__VA_ARGS__

static inline const char *lpad_error(void) { return LPAD_SAY_(error()); }              /* this thread's last failure */
static inline const char *lpad_strerror(int code) { return LPAD_SAY_(strerror(code)); }

static inline lpad_deadline lpad_in(double seconds) { return LPAD_SAY_(in(seconds)); } /* lpad_in(0): do not wait */
static inline lpad_deadline lpad_never(void) { lpad_deadline d = { INT64_MAX }; return d; }
static inline lpad_deadline lpad_default(void) { lpad_deadline d = { INT64_MIN }; return d; } /* the edge's, else never */

/* Who am I. Texts are borrowed and live as long as the node. */
static inline void *lpad_state(lpad_node *node) { return LPAD_SAY_(state(node)); }
static inline const char *lpad_name(lpad_node *node) { return LPAD_SAY_(name(node)); }         /* "worker/3", "learner" */
static inline const char *lpad_group(lpad_node *node) { return LPAD_SAY_(group(node)); }       /* "worker" */
static inline const char *lpad_run_id(lpad_node *node) { return LPAD_SAY_(run_id(node)); }
static inline const char *lpad_folder(lpad_node *node) { return LPAD_SAY_(folder(node)); }     /* this replica's own; kept over restarts */
static inline int lpad_index(lpad_node *node) { return LPAD_SAY_(index(node)); }
static inline int lpad_replicas(lpad_node *node) { return LPAD_SAY_(replicas(node)); }
static inline int lpad_incarnation(lpad_node *node) { return LPAD_SAY_(incarnation(node)); }   /* 1, 2 after a restart, ... */
static inline int64_t lpad_seed(lpad_node *node) { return LPAD_SAY_(seed(node)); }
static inline int lpad_coordinate(lpad_node *node, const char *axis) { return LPAD_SAY_(coordinate(node, axis)); } /* -1: no such axis */
static inline int lpad_extent(lpad_node *node, const char *axis) { return LPAD_SAY_(extent(node, axis)); }         /* 0: no such axis */

/* Life. */
static inline bool lpad_stopping(lpad_node *node) { return LPAD_SAY_(stopping(node)); }
/* 0 once the program stops, LPAD_ETIMEDOUT otherwise: also how a node sleeps. */
static inline int lpad_wait_stop(lpad_node *node, lpad_deadline deadline) { return LPAD_SAY_(wait_stop(node, deadline)); }
/* Called once when the program stops, on a thread of lpad's; at once if it stops already. It must not wait. */
static inline int lpad_on_stop(lpad_node *node, void (*function)(lpad_node *, void *), void *context) { return LPAD_SAY_(on_stop(node, function, context)); }
/* Ends the whole program with exit code 0..125; returns at once. */
static inline int lpad_stop(lpad_node *node, int code, const char *why) { return LPAD_SAY_(stop(node, code, why)); }
/* Sets this thread's error text, returns LPAD_EINVALID: `return lpad_fail(...)`. */
#define lpad_fail(...) LPAD_SAY_(fail(__VA_ARGS__))
#define lpad_log(...) LPAD_SAY_(log(__VA_ARGS__))                                              /* one line */
static inline void lpad_report(lpad_node *node, const char *name, double value, int64_t step) { LPAD_SAY_(report(node, name, value, step)); }
/* (node, name, format, ...): how this node is now, a line of text that `lpad status` shows. The newest of each name counts; an empty
   one takes it away. Never waits. An lpad older than this function shows nothing. */
#define lpad_status(...) (lpad_host_->minor >= 2 ? LPAD_SAY_(status(__VA_ARGS__)) : (void)0)
/* A generator of its own for (seed, node, replica, incarnation, name). */
static inline lpad_rng lpad_random(lpad_node *node, const char *name) { return LPAD_SAY_(random(node, name)); }
static inline void lpad_lock(lpad_node *node) { LPAD_SAY_(lock(node)); }                       /* the node's own; not recursive */
static inline void lpad_unlock(lpad_node *node) { LPAD_SAY_(unlock(node)); }

/*
 * Messages. Bodies begin on a 64-byte boundary on both sides. Constructors never return NULL: what could not be made (no JSON, an
 * impossible shape) fails when it is sent, with the reason; its kind is 0, its data NULL.
 */
static inline lpad_message *lpad_bytes(const void *data, size_t size) { return LPAD_SAY_(bytes(data, size)); } /* data NULL: zeroed */
static inline lpad_message *lpad_json(const char *text) { return LPAD_SAY_(json(text)); }      /* copied */
static inline lpad_message *lpad_tensors(int count, const lpad_tensor *list) { return LPAD_SAY_(tensors(count, list)); } /* zeroed */
static inline lpad_message *lpad_share(const lpad_message *message) { return LPAD_SAY_(share(message)); }      /* one more reference */
static inline void lpad_free(const lpad_message *message) { LPAD_SAY_(free(message)); }        /* NULL is fine */
static inline int lpad_kind(const lpad_message *message) { return LPAD_SAY_(kind(message)); }  /* enum lpad_kind; 0 of NULL */
static inline size_t lpad_size(const lpad_message *message) { return LPAD_SAY_(length(message)); }
static inline void *lpad_fill(lpad_message *message) { return LPAD_SAY_(fill(message)); }      /* a new one's whole body; NULL once sent or shared */
static inline void *lpad_data(lpad_message *message, const char *tensor) { return LPAD_SAY_(data(message, tensor)); } /* a new one's tensor */
static inline const void *lpad_body(const lpad_message *message, size_t expected) { return LPAD_SAY_(body(message, expected)); } /* NULL: other size */
static inline const void *lpad_content(const lpad_message *message) { return LPAD_SAY_(content(message)); } /* lpad_size bytes of any kind: to compare, to keep */
static inline const char *lpad_json_text(const lpad_message *message) { return LPAD_SAY_(json_text(message)); } /* NULL: not JSON */
/* A tensor of exactly this type and shape (-1 in shape: any extent; shape NULL: any), else NULL and a text naming the sender. */
static inline const void *lpad_view(const lpad_message *message, const char *tensor, int type, int rank, const int64_t *shape) { return LPAD_SAY_(view(message, tensor, type, rank, shape)); }
static inline int lpad_tensor_count(const lpad_message *message) { return LPAD_SAY_(tensor_count(message)); }
static inline int lpad_tensor_at(const lpad_message *message, int place, lpad_tensor *out) { return LPAD_SAY_(tensor_at(message, place, out)); } /* name borrowed */
static inline int lpad_set_meta(lpad_message *message, const char *key, const char *value) { return LPAD_SAY_(set_meta(message, key, value)); } /* tensors, before data is filled */
static inline const char *lpad_meta(const lpad_message *message, const char *key) { return LPAD_SAY_(meta(message, key)); }
static inline int lpad_save(const lpad_message *message, const char *path) { return LPAD_SAY_(save(message, path)); } /* beside, fsync, rename */
static inline int lpad_load(const char *path, lpad_message **out) { return LPAD_SAY_(load(path, out)); } /* LPAD_ENOTFOUND, LPAD_EBROKEN */
static inline const char *lpad_sender(const lpad_message *message) { return LPAD_SAY_(sender(message)); }      /* "" of one's own */
static inline int lpad_sender_index(const lpad_message *message) { return LPAD_SAY_(sender_index(message)); }
static inline int lpad_sender_incarnation(const lpad_message *message) { return LPAD_SAY_(sender_incarnation(message)); }

/* Calling. The request may be NULL (empty); it is taken, also on failure. reply may be NULL: not wanted. */
static inline int lpad_count(const lpad_handle *handle) { return LPAD_SAY_(count(handle)); }   /* 0 of NULL */
static inline int lpad_place(const lpad_handle *handle) { return LPAD_SAY_(place(handle)); }   /* one's own, onto one's own group; else -1 */
static inline const char *lpad_server(const lpad_handle *handle, int place) { return LPAD_SAY_(server(handle, place)); } /* "replay", "worker/3" */
static inline int lpad_call_to(lpad_handle *handle, int place, const char *method, lpad_message *request, lpad_message **reply, lpad_deadline deadline) { return LPAD_SAY_(call_to(handle, place, method, request, reply, deadline)); }
static inline lpad_future *lpad_start(lpad_handle *handle, int place, const char *method, lpad_message *request, lpad_deadline deadline) { return LPAD_SAY_(start(handle, place, method, request, deadline)); } /* never NULL: failures come at lpad_wait */
static inline int lpad_wait(lpad_future *future, lpad_message **reply) { return LPAD_SAY_(wait(future, reply)); } /* frees the future */
static inline int lpad_wait_any(lpad_future **futures, int count, lpad_deadline deadline) { return LPAD_SAY_(wait_any(futures, count, deadline)); } /* place of a finished one; NULLs are skipped */
static inline bool lpad_ready(lpad_future *future) { return LPAD_SAY_(ready(future)) != 0; }
static inline void lpad_cancel(lpad_future *future) { LPAD_SAY_(cancel(future)); }             /* frees it; NULL is fine */
static inline int lpad_await_server(lpad_handle *handle, int place, lpad_deadline deadline) { return LPAD_SAY_(await_server(handle, place, deadline)); } /* its incarnation */
static inline int lpad_restart_server(lpad_handle *handle, int place, const char *why) { return LPAD_SAY_(restart_server(handle, place, why)); }

/* `done` is called once on the service thread when the future is finished: it ends it with lpad_wait, which then does not wait. The
   future belongs to lpad until then; when the program stops it is finished with LPAD_ESTOPPED. */
static inline int lpad_then(lpad_future *future, void (*done)(lpad_node *, lpad_future *, void *context), void *context) { return LPAD_SAY_(then(future, done, context)); }
/* The methods that the server offers, known from the topology: their number; names are borrowed and live as long as the node. */
static inline int lpad_methods(const lpad_handle *handle, int place, const char *const **names) { return LPAD_SAY_(methods(handle, place, names)); }
static inline bool lpad_idempotent(const lpad_handle *handle, int place, const char *method) { return LPAD_SAY_(idempotent(handle, place, method)) != 0; }

/* One call to each place of the handle, all at once with the same request: futures[place], lpad_count of them. */
static inline void lpad_start_each(lpad_handle *handle, const char *method, lpad_message *request, lpad_deadline deadline, lpad_future **futures)
{
	int count = lpad_count(handle), place;
	for (place = 0; place < count; place++)
		futures[place] = lpad_start(handle, place, method, request && place + 1 < count ? lpad_share(request) : request, deadline);
	if (!count)
		lpad_free(request);
}
/*
 * Calls each place and waits for all of them: 0, or the failure of the first place that has one, whose text is lpad_error().
 * codes[place] gets what each call returned, replies[place] the reply (yours to free) or NULL; both arrays may be NULL.
 */
static inline int lpad_call_each(lpad_handle *handle, const char *method, lpad_message *request, lpad_message **replies, int *codes, lpad_deadline deadline)
{
	int first = 0, place = lpad_count(handle);
	lpad_future **futures = (lpad_future **)__builtin_alloca(sizeof *futures * ((size_t)place + 1));
	lpad_start_each(handle, method, request, deadline, futures);
	while (place--) {       /* the last failure's text is the first place's */
		int code = lpad_wait(futures[place], replies ? &replies[place] : NULL);
		if (codes)
			codes[place] = code;
		if (code)
			first = code;
	}
	return first;
}

/* Serving. Answering ends the call: it is freed. */
static inline const lpad_message *lpad_request(const lpad_call *call) { return LPAD_SAY_(request(call)); }     /* borrowed; never NULL */
static inline const char *lpad_method_name(const lpad_call *call) { return LPAD_SAY_(method(call)); }
static inline const char *lpad_caller(const lpad_call *call) { return LPAD_SAY_(caller(call)); }               /* "actor/3" */
static inline int lpad_caller_index(const lpad_call *call) { return LPAD_SAY_(caller_index(call)); }
static inline int lpad_caller_incarnation(const lpad_call *call) { return LPAD_SAY_(caller_incarnation(call)); }
static inline int lpad_answer(lpad_call *call, lpad_message *reply) { return LPAD_SAY_(answer(call, reply)); } /* NULL: empty */
/* How many callers one batch stands for; 1 of a call that is none. Padding does not count. */
static inline int lpad_batch(const lpad_call *call) { return LPAD_SAY_(batch(call)); }
/* In init: another size (1 up to the declared .batch) and wait for a batched method, from parameters for instance. */
static inline int lpad_set_batch(lpad_node *node, const char *method, int size, double wait) { return LPAD_SAY_(set_batch(node, method, size, wait)); }
#define lpad_refuse(...) LPAD_SAY_(refuse(__VA_ARGS__))                                        /* (call, code, format, ...) */
static inline int lpad_next(lpad_inbox *inbox, lpad_call **out, lpad_deadline deadline) { return LPAD_SAY_(next(inbox, out, deadline)); }
static inline int lpad_next_from(lpad_inbox *inbox, lpad_handle *handle, int place, lpad_call **out, lpad_deadline deadline) { return LPAD_SAY_(next_from(inbox, handle, place, out, deadline)); }

/* Topics. */
static inline int lpad_publish(lpad_topic *topic, lpad_message *message) { return LPAD_SAY_(publish(topic, message)); }
static inline int lpad_subscribers(const lpad_topic *topic) { return LPAD_SAY_(subscribers(topic)); }
/* What is queued first; then LPAD_EENDED if all publishers ended, else LPAD_ESTOPPED if the program stops. Under LPAD_LATEST the body
   is fetched now: a poll (lpad_in(0)) does not wait for it, but has it fetched for a later one. */
static inline int lpad_take(lpad_subscription *subscription, lpad_message **out, lpad_deadline deadline) { return LPAD_SAY_(take(subscription, out, deadline)); }
static inline int lpad_publishers(const lpad_subscription *subscription) { return LPAD_SAY_(publishers(subscription)); }

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif
