package hwa

import "time"

// ResourceResponse is the reply of a by-id action: the action was accepted, not done.
type ResourceResponse struct {
	ID  string `json:"id,omitempty"`
	URL string `json:"url,omitempty"`
}

// ActionResourceResponse is the verdict on one object of an action by filter.
type ActionResourceResponse struct {
	ID       string    `json:"id,omitempty"`
	URL      string    `json:"url,omitempty"`
	Message  string    `json:"message,omitempty"`
	IsError  bool      `json:"isError"`
	LockData *LockData `json:"lockData,omitempty"`
	Error    bool      `json:"error,omitempty"` // duplicate of IsError the API declares
}

// FilterActionResponse is the reply of an action by filter. HTTP 200 with only failed entries is a failure.
type FilterActionResponse struct {
	SuccessfulResourceResponses []ActionResourceResponse `json:"successfulResourceResponses"`
	FailedResourceResponses     []ActionResourceResponse `json:"failedResourceResponses"`
}

// LockData tells who holds the lock of a model object.
type LockData struct {
	LockedBy      string    `json:"lockedBy,omitempty"`
	LockedSession string    `json:"lockedSession,omitempty"`
	LockedTime    time.Time `json:"lockedTime,omitzero"`
}

// ModifyData tells who changed an object and when.
type ModifyData struct {
	ModifiedBy   string    `json:"modifiedBy,omitempty"`
	ModifiedTime time.Time `json:"modifiedTime,omitzero"`
	Version      int       `json:"version,omitempty"`
}

// RerunDetails are the options of a rerun; the zero value reruns the job as it is.
type RerunDetails struct {
	JobDefinitionDBIdentifier     string               `json:"jobDefinitionDbIdentifier,omitempty"`
	JobDefinitionDBKey            string               `json:"jobDefinitionDbKey,omitempty"`
	UserLogin                     string               `json:"userLogin,omitempty"`
	Variables                     map[string]string    `json:"variables,omitempty"`
	Priority                      *int                 `json:"priority,omitempty"` // the engine takes 10 when nil
	StartTime                     time.Time            `json:"startTime,omitzero"`
	ASAP                          bool                 `json:"asap,omitempty"`
	StepName                      string               `json:"stepName,omitempty"`
	SkipCheckForJobSuccessorRerun bool                 `json:"skipCheckForJobSuccessorRerun,omitempty"`
	RerunJobOnTermination         bool                 `json:"rerunJobOnTermination,omitempty"`
	RerunJobOnSameWorkstation     bool                 `json:"rerunJobOnSameWorkstation,omitempty"`
	JobDefinitionInPlan           *JobDefinitionInPlan `json:"jobDefinitionInPlan,omitempty"`
	SuccessorsInfo                *SuccessorsInfo      `json:"successorsInfo,omitempty"`
	SuccessorsInformation         *SuccessorsInfo      `json:"successorsInformation,omitempty"` // duplicate the API declares; leave nil
}

// SuccessorsInfo selects the successors to rerun together with a job.
type SuccessorsInfo struct {
	Depth         int      `json:"depth,omitempty"` // levels of successors to rerun too; excludes SuccessorsIDs
	SuccessorsIDs []string `json:"successorsIds,omitempty"`
}

// DependenciesInfo is the body of the dependency actions.
type DependenciesInfo struct {
	Dependencies []Dependency `json:"dependencies"`
}

// Conditions is the body of the confirm actions: the output conditions to set.
type Conditions struct {
	Conditions []string `json:"conditions"`
}

// PromptInPlanAnswer is the body of a prompt reply.
type PromptInPlanAnswer struct {
	Answer bool `json:"answer"`
}

// WorkstationConnectInfo is the body of connect-to-host-cpu.
type WorkstationConnectInfo struct {
	Connection string `json:"connection,omitempty"`
	Command    string `json:"command,omitempty"`
}

// ComponentCommandInfo is the body of component commands such as the collection of agent logs.
type ComponentCommandInfo struct {
	ComponentID     string `json:"componentId,omitempty"`
	WorkstationName string `json:"workstationName,omitempty"`
	Command         string `json:"command,omitempty"`
	Parameters      string `json:"parameters,omitempty"`
}

// JobCommand is the body of run-command.
type JobCommand struct {
	Command string `json:"command"`
	Input   string `json:"input"`
}
