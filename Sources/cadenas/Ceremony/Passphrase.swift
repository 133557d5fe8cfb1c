import Administration
import ArgumentParser
import Bytes
import Glibc
import Keyring
import RecordFormat
import SecretMemory
import SystemCalls

/// Where passphrases come from: `--passphrase-fd`, or the terminal.
struct PassphraseOption: ParsableArguments {
  @Option(
    name: .customLong("passphrase-fd"),
    help: ArgumentHelp(
      "Read passphrases from this file descriptor, one a line, instead of the terminal.",
      valueName: "n"))
  var descriptor: Int32?

  func validate() throws {
    guard let descriptor else { return }
    guard descriptor >= 0 else { throw ValidationError("--passphrase-fd expects a number from 0") }
  }

  /// The passphrase of a custodian's share.
  func existing(of custodian: CustodyName) throws(CommandFailure) -> SecretBytes {
    if let descriptor { return try Passphrase.line(from: descriptor, of: custodian) }
    return try Passphrase.typed("Passphrase of \(custodian.text): ")
  }

  /// A new passphrase for a custodian's share. At a terminal it is typed twice, and asked for again
  /// where it was not the same or has no length that a passphrase may have.
  func new(of custodian: CustodyName) throws(CommandFailure) -> SecretBytes {
    if let descriptor { return try Passphrase.line(from: descriptor, of: custodian) }
    let counts = CustodianShare.passphraseByteCounts
    for _ in 0..<Passphrase.attempts {
      let first = try Passphrase.typed(
        "New passphrase of \(custodian.text), \(counts.lowerBound) bytes or more: ")
      guard counts.contains(first.count) else {
        Console.complain(
          CustodyProblem.passphraseLength(custodian: custodian).explanation + "; try again")
        continue
      }
      let second = try Passphrase.typed("The same again: ")
      if first.isEqual(to: second.bytes) { return first }
      Console.complain("these were not the same; try again")
    }
    throw CommandFailure(.refused, "no passphrase was given for \(custodian.text)")
  }
}

/// Reads a passphrase straight into secret memory.
enum Passphrase {
  /// How often a new one is asked for.
  static let attempts = 3
  /// One byte more than the longest, so that a longer one is known as such.
  private static let roomBytes = CustodianShare.passphraseByteCounts.upperBound + 1

  /// What is typed at the terminal of the process, without being shown.
  static func typed(_ prompt: String) throws(CommandFailure) -> SecretBytes {
    let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else {
      throw CommandFailure(
        .invalid, "there is no terminal to type a passphrase at; use --passphrase-fd")
    }
    defer { close(terminal) }
    // Before the prompt, since somebody may begin to type as soon as they see it.
    let input = try HiddenInput(terminal)
    Console.write(Array(prompt.utf8), to: terminal)
    let secret = try read(from: terminal) { input.wait() }
    let signal = input.end()
    Console.write([UInt8(ascii: "\n")], to: terminal)
    guard signal == 0 else {
      // The terminal is as it was, and the signal has its usual action again.
      kill(getpid(), signal)
      throw CommandFailure(.refused, "interrupted")
    }
    return secret
  }

  /// The next line of a descriptor.
  static func line(
    from descriptor: Int32, of custodian: CustodyName
  ) throws(CommandFailure) -> SecretBytes {
    let line = try read(from: descriptor) { true }
    guard line.count > 0 else {
      throw CommandFailure(
        .invalid, "file descriptor \(descriptor) has no passphrase of \(custodian.text)")
    }
    return line
  }

  /// Reads up to the end of a line, byte by byte, so that what follows stays for the next reader.
  ///
  /// - Parameter wait: waits for the next byte; false where there will be none.
  private static func read(
    from descriptor: Int32, waiting wait: () -> Bool
  ) throws(CommandFailure) -> SecretBytes {
    do {
      var room = try SecretBytes(count: roomBytes)
      var count = 0
      while wait() {
        let received = unsafe room.withMutableBytes { buffer in
          unsafe Glibc.read(
            descriptor, buffer.baseAddress?.advanced(by: min(count, roomBytes - 1)), 1)
        }
        if received < 0, errno == EINTR { continue }
        guard received >= 0 else {
          throw CommandFailure(
            .invalid,
            "no passphrase can be read from file descriptor \(descriptor): "
              + systemMessage(errno))
        }
        let last = min(count, roomBytes - 1)
        if received == 0 || room.bytes.byte(last) == UInt8(ascii: "\n") { break }
        count += 1
      }
      return try SecretBytes(copying: room.bytes.extracting(..<min(count, roomBytes)))
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure(KeyringError.systemUnavailable)
    }
  }
}
