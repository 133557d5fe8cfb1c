import Keyring
import RecordFormat
import Storage
import Testing

@testable import Administration

/// What answers and commands make of a failure.
@Suite struct FailureKindTests {
  @Test func `an answer's HTTP status tells its kind, as far as a command needs it`() {
    for kind in FailureKind.allCases {
      #expect(FailureKind(httpStatus: kind.httpStatus).httpStatus == kind.httpStatus)
    }
    #expect(FailureKind(httpStatus: 418) == .unavailable)
  }

  @Test(arguments: [
    (KeyringError.unknownKey(KeyIdentifier(1)), FailureKind.refused),
    (.rotatedTooOften(.data), .refused), (.custody(.sharesMissing(1)), .refused),
    (.custody(.malformedSet), .unavailable),
    (.custody(.rebuiltKeyDiffers(KeyIdentifier(1))), .unavailable),
    (.noKeyring, .unavailable), (.sourceRefuses(.noCredentials), .misconfigured),
    (.sourceRefuses(.sharesNeeded), .refused), (.store(.full), .unavailable),
  ])
  func `a failure of keys means the same wherever it is told`(
    _ error: KeyringError, _ kind: FailureKind
  ) {
    #expect(AdministrationError(any: error).kind == kind)
    #expect(AdministrationError(any: error).detail == error.explanation)
  }

  @Test func `what the store says is not lost in the keyring's error`() {
    #expect(AdministrationError(any: KeyringError.store(.full)) == .store(.full))
  }
}
