import Glibc

/// Makes a pipe that no program started later inherits.
///
/// - Throws: ``SystemFailure`` where the process may open no more files.
package func makePipe() throws(SystemFailure) -> (reading: Int32, writing: Int32) {
  var ends: [Int32] = [-1, -1]
  guard unsafe pipe(&ends) == 0 else { throw SystemFailure(call: "pipe", errno: errno) }
  for end in ends where fcntl(end, F_SETFD, FD_CLOEXEC) != 0 {
    let failure = SystemFailure(call: "fcntl", errno: errno)
    closePipe((ends[0], ends[1]))
    throw failure
  }
  return (ends[0], ends[1])
}

/// Closes both ends of a pipe that ``makePipe()`` made.
package func closePipe(_ ends: (reading: Int32, writing: Int32)) {
  close(ends.reading)
  close(ends.writing)
}
