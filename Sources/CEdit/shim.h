#pragma once
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <editline/readline.h>

static sigjmp_buf edit_jump;
static volatile sig_atomic_t edit_is_reading;
static volatile sig_atomic_t edit_interrupts;

static void edit_on_interrupt(int number) {
    (void)number;
    if (edit_is_reading) siglongjmp(edit_jump, 1);
    edit_interrupts++;
}

/// From now on Ctrl-C ends the line being typed, and is counted while none is.
static inline void edit_catch_interrupts(void) {
    struct sigaction action = {0};
    action.sa_handler = edit_on_interrupt;
    sigaction(SIGINT, &action, NULL);
}

/// How often Ctrl-C was typed while no line was being read.
static inline int edit_interrupt_count(void) { return (int)edit_interrupts; }

/// As readline; with *interrupted 1 and NULL if Ctrl-C was typed. (The jump out of the handler is how psql does it: libedit has no other way out.)
static inline char *edit_line(const char *prompt, int *interrupted) {
    *interrupted = 0;
    if (sigsetjmp(edit_jump, 1) != 0) {
        edit_is_reading = 0;
        *interrupted = 1;
        fputc('\n', stdout);
        return NULL;
    }
    edit_is_reading = 1;
    char *line = readline(prompt);
    edit_is_reading = 0;
    return line;
}
