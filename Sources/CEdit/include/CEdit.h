#pragma once
#include <stdio.h>
#include <editline/readline.h>

/// From now on Ctrl-C ends the line being typed, and is counted while none is.
void edit_catch_interrupts(void);

/// How often Ctrl-C was typed while no line was being read.
int edit_interrupt_count(void);

/// As readline; with *interrupted 1 and NULL if Ctrl-C was typed.
char *edit_line(const char *prompt, int *interrupted);
