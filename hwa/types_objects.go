package hwa

import "time"

// WorkstationInPlan is a workstation (agent, pool, manager) in the plan.
type WorkstationInPlan struct {
	EngineID         string              `json:"engineId,omitempty"`
	ID               string              `json:"id,omitempty"`
	PersistentID     string              `json:"persistentId,omitempty"`
	PlanID           string              `json:"planId,omitempty"`
	FolderID         string              `json:"folderId,omitempty"`
	Folder           string              `json:"folder,omitempty"`
	Name             string              `json:"name,omitempty"`
	Key              string              `json:"key,omitempty"`
	SymID            string              `json:"symId,omitempty"`
	RunNumber        int                 `json:"runNumber,omitempty"` // plan run number the workstation works on
	Description      string              `json:"description,omitempty"`
	ActiveStates     []WorkstationState  `json:"activeStates,omitempty"`
	ActiveFlags      []WorkstationFlag   `json:"activeFlags,omitempty"`
	Type             WorkstationType     `json:"type,omitempty"`
	HostType         HostWorkstationType `json:"hostType,omitempty"`
	OS               OperatingSystem     `json:"os,omitempty"`
	TimeZone         string              `json:"timeZone,omitempty"`
	NodeName         string              `json:"nodeName,omitempty"`
	TCPPort          int                 `json:"tcpPort,omitempty"`
	DomainName       string              `json:"domainName,omitempty"`
	Limit            *int                `json:"limit,omitempty"` // jobs that may run at once; 0 (the value of a new workstation) starts nothing; nil when not sent
	Fence            *int                `json:"fence,omitempty"` // only jobs with a priority above it start; nil when not sent
	AgentID          string              `json:"agentId,omitempty"`
	Version          string              `json:"version,omitempty"`
	UserInfo         string              `json:"userInfo,omitempty"`
	Requested        int                 `json:"requested,omitempty"`
	CreatedTimestamp time.Time           `json:"createdTimestamp,omitzero"`
	TimeStarted      time.Time           `json:"timeStarted,omitzero"`
	SecurityLevel    SecurityLevel       `json:"securityLevel,omitempty"`
	SSLPort          *int                `json:"sslPort,omitempty"`
	Host             string              `json:"host,omitempty"`
	HostWorkstation  string              `json:"hostWorkstation,omitempty"`
	MailmanServerID  string              `json:"mailmanServerId,omitempty"`
	Actions          []Action            `json:"actions,omitempty"`
	Ignore           bool                `json:"ignore,omitempty"` // the workstation is left out of the plan
	Archived         bool                `json:"archived,omitempty"`
}

// ResourceInPlan is a logical resource in the plan.
type ResourceInPlan struct {
	EngineID           string           `json:"engineId,omitempty"`
	ID                 string           `json:"id,omitempty"`
	PersistentID       string           `json:"persistentId,omitempty"`
	FolderID           string           `json:"folderId,omitempty"`
	Folder             string           `json:"folder,omitempty"`
	Name               string           `json:"name,omitempty"`
	Key                string           `json:"key,omitempty"`
	WorkstationID      string           `json:"workstationId,omitempty"`
	Workstation        string           `json:"workstation,omitempty"`
	Quantity           *int             `json:"quantity,omitempty"`
	QuantityAvailable  *int             `json:"quantityAvailable,omitempty"` // units nobody holds; nil when not sent
	Description        string           `json:"description,omitempty"`
	QuantityInUse      *int             `json:"quantityInUse,omitempty"`
	Holders            []ResourceHolder `json:"holders,omitempty"`
	Actions            []Action         `json:"actions,omitempty"`
	Archived           bool             `json:"archived,omitempty"`
	Status             ResourceStatus   `json:"status,omitempty"`
	InternalIdentifier string           `json:"internalIdentifier,omitempty"`
}

// ResourceHolder is a job or job stream that holds units of a resource.
type ResourceHolder struct {
	JobStreamID string `json:"jobStreamId,omitempty"`
	JobStream   string `json:"jobStream,omitempty"`
	JobID       string `json:"jobId,omitempty"`
	Job         string `json:"job,omitempty"`
	JobKey      string `json:"jobKey,omitempty"`
	Quantity    *int   `json:"quantity,omitempty"`
	Shared      bool   `json:"shared,omitempty"`
}

// PromptInPlan is a prompt in the plan (10.2.8; earlier engines show prompts only as dependencies).
type PromptInPlan struct {
	Actions         []Action     `json:"actions,omitempty"`
	EngineID        string       `json:"engineId,omitempty"`
	ID              string       `json:"id,omitempty"`
	PersistentID    string       `json:"persistentId,omitempty"`
	Name            string       `json:"name,omitempty"`
	Folder          string       `json:"folder,omitempty"`
	Archived        bool         `json:"archived,omitempty"`
	Key             string       `json:"key,omitempty"`
	SymID           string       `json:"symId,omitempty"`
	WorkstationID   string       `json:"workstationId,omitempty"`
	Workstation     string       `json:"workstation,omitempty"`
	ResourceModelID string       `json:"resourceModelId,omitempty"`
	PlanID          string       `json:"planId,omitempty"`
	JobID           string       `json:"jobId,omitempty"`
	JobKey          string       `json:"jobKey,omitempty"`
	JobStreamID     string       `json:"jobStreamId,omitempty"`
	JobStreamKey    string       `json:"jobStreamKey,omitempty"`
	Text            string       `json:"text,omitempty"`
	Status          PromptStatus `json:"status,omitempty"`
	Type            PromptType   `json:"type,omitempty"`
	TimeAsked       time.Time    `json:"timeAsked,omitzero"`
	TimeRespond     time.Time    `json:"timeRespond,omitzero"`
	Number          int          `json:"number,omitempty"`
	CPUFolderID     string       `json:"cpuFolderId,omitempty"`
	CPUJsFolderID   string       `json:"cpuJsFolderId,omitempty"`
	FolderID        string       `json:"folderId,omitempty"`
	ModifyData      *ModifyData  `json:"modifyData,omitempty"`
}

// FileInPlan is the file of a FILE dependency.
type FileInPlan struct {
	Name            string      `json:"name,omitempty"`
	ID              string      `json:"id,omitempty"`
	Workstation     string      `json:"workstation,omitempty"`
	WorkstationID   string      `json:"workstationId,omitempty"`
	PlanID          string      `json:"planId,omitempty"`
	ResourceModelID string      `json:"resourceModelId,omitempty"`
	Qualifier       string      `json:"qualifier,omitempty"`
	Status          FileStatus  `json:"status,omitempty"`
	CPUFolderID     string      `json:"cpuFolderId,omitempty"`
	ModifyData      *ModifyData `json:"modifyData,omitempty"`
}
