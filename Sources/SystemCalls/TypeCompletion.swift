import Synchronization

private let turn = Mutex(())

/// Has Swift's runtime complete a type on one thread, before several use it for the first time.
///
/// A workaround for runtime 6.3.1, which ends the process with a null pointer, rarely, where two threads
/// make a type like `Handler<Decoder<A, B>>` at once, `Decoder` being a generic class without a superclass
/// and `Handler` asking that it conform to a protocol: while one thread waits for `A` and `B` to be
/// complete, the other looks for the conformance, walks up the superclasses (`swift_conformsToProtocol`)
/// and follows the one that there is not. A type that is complete is safe. NIO's HTTP decoders are such
/// classes.
///
/// - Parameter type: is made here, one at a time.
package func completeType(_ type: @autoclosure () -> Any.Type) {
  turn.withLock { _ in _ = ObjectIdentifier(type()) }
}
