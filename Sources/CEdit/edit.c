#include "CEdit.h"
#include <setjmp.h>
#include <signal.h>

static sigjmp_buf jump;
static volatile sig_atomic_t is_reading;
static volatile sig_atomic_t interrupts;

static void on_interrupt(int number) {
    (void)number;
    if (is_reading) siglongjmp(jump, 1);
    interrupts++;
}

void edit_catch_interrupts(void) {
    struct sigaction action = {0};
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);
}

int edit_interrupt_count(void) { return (int)interrupts; }

// The jump out of the handler is how psql does it: libedit has no other way out.
char *edit_line(const char *prompt, int *interrupted) {
    *interrupted = 0;
    if (sigsetjmp(jump, 1) != 0) {
        is_reading = 0;
        *interrupted = 1;
        fputc('\n', stdout);
        return NULL;
    }
    is_reading = 1;
    char *line = readline(prompt);
    is_reading = 0;
    return line;
}
