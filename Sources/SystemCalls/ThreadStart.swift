package import Glibc

/// The body of a thread on its way to it.
package final class ThreadStart: Sendable {
  private let name: String
  private let body: @Sendable () -> Void

  /// `name` is what process tools show, 15 bytes at most.
  package init(name: String, _ body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }

  /// Starts a thread that runs the body once and takes no signals but `SIGBUS`, by which it hears that a
  /// page cannot be read.
  /// - Throws: ``SystemFailure`` where there is no thread to be had.
  package func launch() throws(SystemFailure) -> pthread_t {
    // The thread begins with the mask of the one that starts it.
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe sigdelset(&all, SIGBUS)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let context = unsafe Unmanaged.passRetained(self)
    let status = unsafe pthread_create(
      &thread, nil,
      { context in
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    guard status == 0 else {
      unsafe context.release()
      throw SystemFailure(call: "pthread_create", errno: status)
    }
    return thread
  }

  private func run() {
    // The name is for people: a thread without it works as well.
    let descriptor = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    if descriptor >= 0 {
      var name = name
      _ = name.withUTF8 { unsafe write(descriptor, $0.baseAddress, $0.count) }
      close(descriptor)
    }
    body()
  }
}
