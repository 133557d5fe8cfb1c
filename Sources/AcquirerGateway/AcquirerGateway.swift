// AcquirerGateway
