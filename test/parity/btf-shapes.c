// Shapes of types that C dumps get wrong first: compiled for BPF and for this machine, dumped by bpftool and by us.

typedef int (*callback)(void *ctx, const char *name);
typedef int (*(*returns_function)(int))(long);
typedef const char *const names_t[4];
typedef int matrix_t[2][3];
typedef struct {
	int counter;
} atomic_like;
typedef struct node node_t;

enum plain { PLAIN_A, PLAIN_B = 7 };
enum negative { NEGATIVE = -5, POSITIVE = 5 };
enum wide { WIDE = 1ULL << 40 };
enum __attribute__((packed)) tiny { TINY };
enum { LOOSE = 3 };

struct fwd;
union fwd_union;

struct node {
	node_t *next;
	struct node *prev[2];
	struct fwd *fwd;
	union fwd_union *fwd_union;
};

struct inner {
	char c;
	int i;
};

struct bits {
	int a : 3;
	unsigned b : 7;
	int : 0;
	unsigned long c : 40;
	char : 4;
	_Bool d : 1;
	short e;
	int f : 9;
};

struct __attribute__((packed)) packed {
	char c;
	long l;
	struct inner in;
	short s;
};

struct aligned {
	char c;
	int x __attribute__((aligned(32)));
	struct inner far __attribute__((aligned(64)));
};

struct holes {
	char a;
	long b;
	char c;
	char d __attribute__((aligned(4)));
	short e;
	char tail[5];
};

struct everything {
	callback cb;
	returns_function rf;
	names_t names;
	matrix_t matrix;
	matrix_t *to_matrix;
	int (*array_of_functions[3])(int, ...);
	int (*to_array)[5];
	const volatile int cv;
	int *restrict r;
	const int *const *volatile *deep;
	void (*nothing)(void);
	struct {
		int x;
		union {
			int y;
			struct {
				char z;
			};
		};
	} nested, *to_nested, array_nested[2];
	enum {
		INLINE_A,
		INLINE_B,
	} inline_enum;
	enum plain plain;
	enum negative negative;
	enum wide wide;
	enum tiny tiny;
	atomic_like atomic;
	struct bits bits;
	struct packed packed;
	struct aligned aligned;
	struct holes holes;
	struct node node;
	_Bool boolean;
	float f;
	double d;
	unsigned char bytes[0];
};

struct empty {};
struct empty empty;
struct everything everything;
enum plain plain(enum negative n, struct node *node, ...) { return node && n == NEGATIVE ? PLAIN_B : (enum plain)LOOSE; }
