package import AuditLog
package import CardStore
package import Cryptography
package import Keyring
package import Ledgers
package import RecordFormat
package import Storage

/// Why the vault did not do what a client or an operator asked: the one failure of both, which
/// ``Problem/init(of:)`` maps to what clients are told.
package enum VaultError: Error, Equatable, Sendable, StoreFailure {
  /// A client's request is refused, with an entry.
  case refused(Problem, reason: String? = nil)
  /// The store could not be read or written.
  case store(StorageError)
  /// The keyring could not be used, or a key not be changed in this way.
  case keyring(KeyringError)
  /// A card could not be stored, found or opened.
  case cards(CardStoreError)
  /// The log could not be read or signed.
  case audit(AuditError)
  /// A row beside cards, keys and log could not be read or written.
  case ledger(LedgerError)
  /// A random number or digest could not be made.
  case cryptography(CryptographyError)
  /// A row does not have its layout.
  case malformedRow
  /// The keyring is closed.
  case sealed
  /// The keyring is open already.
  case notSealed
  /// Nobody holds a share of the KEK.
  case noCustodians
  /// No custodians wait to take the place of the present ones.
  case noReplacement
  /// Other custodians wait to take the place of the present ones.
  case replacementUnderWay
  /// Custodians hold the KEK, and only their agreement replaces it.
  case heldByCustodians
  /// The keyring was changed after it was read.
  case keyringHasChanged
  /// Something still needs the key.
  case keyNeeded(KeyIdentifier, KeyNeeds)
  /// No request of this identifier waits for approval.
  case unknownApproval
  /// Whoever asks has asked for it, or approved it, already.
  case samePerson
  /// As many requests wait for approval as may.
  case tooManyApprovals
  /// The policy asks for more persons than have agreed to the ceremony.
  case ceremonyNeedsApproval
  /// A backup or a compaction runs, and only one at a time does.
  case upkeepUnderWay
  /// As many backups are on record as fit.
  case tooManyBackups
  /// No backup of this identifier is on record.
  case unknownBackup(KeyIdentifier)
  /// The backup was forgotten before.
  case backupForgotten(KeyIdentifier)
  /// The record of the backup is not what it was when it was asked to be forgotten.
  case backupHasChanged(KeyIdentifier)
  /// The policy in force has no merchant of this name; those that it has.
  case unknownMerchant(known: [String])
  /// As many honeytokens are planted as may be.
  case tooManyHoneytokens
  /// The token is no honeytoken.
  case unknownHoneytoken
  /// What stands in the way of archiving.
  case archive(ArchiveProblem)
  /// A record or a kept answer is not removed as a damaged one.
  case entryStays(DamagedEntry, DamageObstacle)
}

/// What still needs a key, so that it is not destroyed.
package struct KeyNeeds: Equatable, Sendable {
  /// Cards that stand under it.
  package var cards: UInt64 = 0
  /// Remembered requests that were digested, or whose answers were sealed, under it. They end by
  /// themselves within a day.
  package var answers: UInt64 = 0
  /// Whether cards are still found by it, since its successor has not seen every card.
  package var isBeingReplaced = false
  /// Backups on record that hold it, or are wrapped under it.
  package var backups: [String] = []

  /// Whether nothing needs it.
  package var isEmpty: Bool { self == KeyNeeds() }

  /// Nothing needs it.
  package init() {}
}

/// What stands in the way of archiving.
package enum ArchiveProblem: Equatable, Sendable {
  /// No checkpoint of that size is kept for good.
  case noCheckpoint
  /// As much or more is archived already.
  case archivedAlready(below: UInt64)
  /// A payment that began before it has no outcome yet.
  case paymentUnderWay(since: UInt64)
  /// The export does not hold what the log does.
  case anotherExport
}

// MARK: - From below

extension VaultError {
  package init(_ error: KeyringError) {
    if case .store(let error) = error { self = .store(error) } else { self = .keyring(error) }
  }

  package init(_ error: CardStoreError) {
    switch error {
    case .store(let error): self = .store(error)
    case .keys(let error): self.init(error)
    case .cipher(let error): self = .cryptography(error)
    case .recordDoesNotOpen, .unknownKey, .malformedRow, .noSecretMemory, .indexIsBehind,
      .indexUnreadable, .indexUnproven, .tokensExhausted:
      self = .cards(error)
    }
  }

  package init(_ error: AuditError) {
    if case .store(let error) = error { self = .store(error) } else { self = .audit(error) }
  }

  package init(_ error: LedgerError) {
    switch error {
    case .store(let error): self = .store(error)
    case .keyring(let error): self.init(error)
    case .cryptography(let error): self = .cryptography(error)
    case .record, .malformedRow, .unknownKey, .identifiersExhausted: self = .ledger(error)
    }
  }
}

// An error from below becomes the vault's own where the call is marked with its part.

@inline(__always)
@discardableResult
package func onStore<R: ~Copyable>(
  _ body: @autoclosure () throws(StorageError) -> R
) throws(VaultError) -> R {
  do throws(StorageError) { return try body() } catch { throw .store(error) }
}

@inline(__always)
@discardableResult
package func onKeys<R: ~Copyable>(
  _ body: @autoclosure () throws(KeyringError) -> R
) throws(VaultError) -> R {
  do throws(KeyringError) { return try body() } catch { throw VaultError(error) }
}

@inline(__always)
@discardableResult
package func onCards<R: ~Copyable>(
  _ body: @autoclosure () throws(CardStoreError) -> R
) throws(VaultError) -> R {
  do throws(CardStoreError) { return try body() } catch { throw VaultError(error) }
}

@inline(__always)
@discardableResult
package func onLog<R: ~Copyable>(_ body: @autoclosure () throws(AuditError) -> R) throws(VaultError)
  -> R
{
  do throws(AuditError) { return try body() } catch { throw VaultError(error) }
}

@inline(__always)
@discardableResult
package func onLedger<R: ~Copyable>(
  _ body: @autoclosure () throws(LedgerError) -> R
) throws(VaultError) -> R {
  do throws(LedgerError) { return try body() } catch { throw VaultError(error) }
}

@discardableResult
@inline(__always)
package func onCryptography<R: ~Copyable>(
  _ body: @autoclosure () throws(CryptographyError) -> R
) throws(VaultError) -> R {
  do throws(CryptographyError) { return try body() } catch { throw .cryptography(error) }
}
