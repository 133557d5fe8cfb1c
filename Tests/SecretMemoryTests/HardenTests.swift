import CScrub
import Glibc
import Testing

// Each in a process of its own: what hardening changes holds for the whole process.
struct HardenTests {
  @Test func aHardenedProcessIsNotDumpable() async {
    await #expect(processExitsWith: .success) {
      #expect(cadenas_harden() == 0)
      #expect(isDumpable() == false)
    }
  }

  @Test func aHardenedProcessLeavesNoCore() async {
    await #expect(processExitsWith: .success) {
      #expect(cadenas_harden() == 0)
      #expect(coreLimits() == [0, 0])
    }
  }

  @Test func noHandlerIsLeftForAFatalSignal() async {
    await #expect(processExitsWith: .success) {
      #expect(cadenas_harden() == 0)
      for number in [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT, SIGQUIT, SIGSYS] {
        #expect(hasDefaultAction(number), "signal \(number)")
      }
    }
  }

  @Test func writingToAClosedPipeIsAnErrorAndNotASignal() async {
    await #expect(processExitsWith: .success) {
      #expect(cadenas_harden() == 0)
      #expect(errorOfWritingToAClosedPipe() == EPIPE)
    }
  }

  @Test func writingBeyondTheSizeThatAFileMayHaveIsAnErrorAndNotASignal() async {
    await #expect(processExitsWith: .success) {
      #expect(cadenas_harden() == 0)
      #expect(errorOfWritingBeyondTheLimit() == EFBIG)
    }
  }
}

private func isDumpable() -> Bool {
  // prctl takes a variable number of arguments, so Swift cannot call it by name.
  guard let symbol = unsafe dlsym(nil, "prctl") else { return true }
  typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
  let control = unsafe unsafeBitCast(symbol, to: Control.self)
  let getDumpable: Int32 = 3
  return control(getDumpable, 0, 0, 0, 0) != 0
}

private func coreLimits() -> [rlim_t] {
  var limit = rlimit(rlim_cur: 1, rlim_max: 1)
  guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 else { return [] }
  return [limit.rlim_cur, limit.rlim_max]
}

private func hasDefaultAction(_ number: Int32) -> Bool {
  var action = sigaction()
  guard unsafe sigaction(number, nil, &action) == 0 else { return false }
  let handler = unsafe action.__sigaction_handler.sa_handler
  return unsafe unsafeBitCast(handler, to: Int.self) == 0
}

private func errorOfWritingToAClosedPipe() -> Int32 {
  var ends: [Int32] = [0, 0]
  guard unsafe pipe(&ends) == 0 else { return 0 }
  close(ends[0])
  defer { close(ends[1]) }
  guard unsafe write(ends[1], "x", 1) == -1 else { return 0 }
  return errno
}

private func errorOfWritingBeyondTheLimit() -> Int32 {
  var limit = rlimit(rlim_cur: 1, rlim_max: 1)
  guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0,
    let file = unsafe tmpfile()
  else { return 0 }
  defer { unsafe fclose(file) }
  guard unsafe pwrite(fileno(file), "x", 1, 1) == -1 else { return 0 }
  return errno
}
