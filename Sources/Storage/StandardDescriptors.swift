import Glibc

/// Descriptors 0, 1 and 2, which belong to the standard streams whether a program uses them or not.
package enum StandardDescriptors {
  /// Opens those that the program was started without (`<&- >&- 2>&-`), so that no file opened later
  /// gets their numbers: whatever is written to a standard stream would go into that file, and a log
  /// line in the store destroys it.
  ///
  /// To be called first thing in main, before anything is opened and while there is one thread. They
  /// are opened the wrong way round, input for writing and outputs for reading: to use one fails, as
  /// it does with a closed one, and a command whose output goes nowhere does not believe it written.
  /// Ends the program, exit status 3, where one cannot be opened: it must not go on without.
  ///
  /// Source: gnulib, `stdopen`.
  package static func fill() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      let mode = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY
      // A new descriptor gets the lowest number that is free: this one, as those below are taken.
      guard unsafe open("/dev/null", mode) == descriptor else { exit(3) }
    }
  }
}
