/// What is left to do when a signal ends the process: remove files that are not finished, and say which mapped file
/// failed. Nothing happens unless `ingot_ending_install` was called, which only the command does.
#ifndef INGOT_ENDING_H
#define INGOT_ENDING_H

#include <stddef.h>

/// Notes a file that is to be removed when a signal ends the process.
/// @return its place in the table, for `ingot_ending_forget_file`; -1 when the table is full or the path too long: the
///     file is then left to the next run.
int ingot_ending_note_file(const char *path);

/// Takes a file from the table; -1 is allowed.
void ingot_ending_forget_file(int place);

/// Notes bytes that are mapped from a file, and what is to be written to standard error when they can't be read.
/// @param text cut at 2,000 bytes.
/// @return its place in the table; -1 when that is full: a fault then is one like any other.
int ingot_ending_note_mapping(const void *start, size_t count, const char *text);

/// Takes a mapping from the table, before it is unmapped; -1 is allowed.
void ingot_ending_forget_mapping(int place);

/// Until `ingot_ending_release`, no signal of those that are waited for ends the process. Not to be nested.
void ingot_ending_hold(void);
void ingot_ending_release(void);

/// From now on SIGINT, SIGTERM and SIGHUP, where they are not ignored, end the process as ever but remove its unfinished
/// files first; a bus error in a noted mapping ends it with `status`; too large a file and a pipe that nobody reads are
/// errors of the call. To be called before there is a second thread.
/// @return 0, or an error number.
int ingot_ending_install(int status);

/// Ends the process as a broken pipe does by default, having removed its unfinished files. Returns when nothing was
/// installed, or when broken pipes were ignored from the start.
void ingot_ending_broken_pipe(void);

#endif
