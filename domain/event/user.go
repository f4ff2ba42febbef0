package event

// UserRegistered says that an account exists from now on. It carries no e-mail address
// and no secret: those live outside the log.
type UserRegistered struct {
	UserID      string `json:"userId"`
	Username    string `json:"username"`
	DisplayName string `json:"displayName"`
	AvatarURL   string `json:"avatarUrl"`
}

// UserProfileChanged carries the profile as it is after the change.
type UserProfileChanged struct {
	UserID      string `json:"userId"`
	Username    string `json:"username"`
	DisplayName string `json:"displayName"`
	AvatarURL   string `json:"avatarUrl"`
}

// UserDeactivated shuts an account out: its sockets close and its tokens stop working.
type UserDeactivated struct {
	UserID string `json:"userId"`
	By     string `json:"by"`
}

// UserReactivated lets a deactivated account in again.
type UserReactivated struct {
	UserID string `json:"userId"`
	By     string `json:"by"`
}

// UserErased shuts an account out for good, and says that everything before it in the log that the user wrote, or
// was called by, has been blanked, or is about to be.
type UserErased struct {
	UserID string `json:"userId"`
	By     string `json:"by"`
}

// ErasuresSubject is the subject of all UserErased events, so that they are found without reading the log.
func ErasuresSubject() string { return DeriveID("erasures").String() }

// Type is the wire name.
func (UserRegistered) Type() string { return TypeUserRegistered }

// Type is the wire name.
func (UserProfileChanged) Type() string { return TypeUserProfileChanged }

// Type is the wire name.
func (UserDeactivated) Type() string { return TypeUserDeactivated }

// Type is the wire name.
func (UserReactivated) Type() string { return TypeUserReactivated }

// Type is the wire name.
func (UserErased) Type() string { return TypeUserErased }

// Stream is the user's own.
func (e UserRegistered) Stream() Stream { return UserStream(e.UserID) }

// Stream is the user's own.
func (e UserProfileChanged) Stream() Stream { return UserStream(e.UserID) }

// Stream is the user's own.
func (e UserDeactivated) Stream() Stream { return UserStream(e.UserID) }

// Stream is the user's own.
func (e UserReactivated) Stream() Stream { return UserStream(e.UserID) }

// Stream is the user's own.
func (e UserErased) Stream() Stream { return UserStream(e.UserID) }

func (UserRegistered) isEvent()     {}
func (UserProfileChanged) isEvent() {}
func (UserDeactivated) isEvent()    {}
func (UserReactivated) isEvent()    {}
func (UserErased) isEvent()         {}
